"""`python -m benchmarks.patch.fuzz --count 100000`: random answers against a small tree; nothing may ever go wrong.

Checked for each: no exception but a refusal, a refusal changes nothing, nothing outside the work tree or in `.git`
changes, links stay as they are, no answer takes over two seconds.
"""

from __future__ import annotations

import argparse
import html
import json
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.patch.cases import Files, Sandbox, put, snapshot
from runner.errors import PatchRefused
from runner.patch import apply_answer

_SECONDS = 2.0
_APP = b"""import os


def one():
    return 1


def two():
    return 2


def one_more():
    return 1
"""
FILES: Files = {
    "src/app.py": ("100644", _APP),
    "src/win.txt": ("100644", b"alpha\r\nbeta\r\n\r\ngamma\r\n"),
    "main.go": ("100755", b"package main\n\nfunc main() {\n\tif true {\n\t\trun()\n\t}\n}\n"),
    "docs/guide.md": (
        "100644",
        "# Gu\u00efde\n\n```diff\n-a\n+b\n```\n\n- item \u201cone\u201d\n- item two\n".encode(),
    ),
    "bare.txt": ("100644", b"first\nlast"),
    "empty": ("100644", b""),
    "latin.txt": ("100644", b"caf\xe9\nplain\n"),
    "image.png": ("100644", b"\x89PNG\0\0"),
    "out": ("120000", b"../.."),
    "inner": ("120000", b"src/app.py"),
}
_PLAIN = ("src/app.py", "src/win.txt", "main.go", "docs/guide.md", "bare.txt")
_PATHS = (
    *FILES, "new.py", "src/new/deep.txt", "../evil", "/tmp/evil-fuzz", ".git/hooks/post-checkout", ".GIT/config",
    "out/evil", "a\\b", "src", "src/app.py/x", "\u202e.git/x", "git~1/x", "", ".", "a b.txt", '"q\\".txt"', "x" * 300,
    "nul\0.txt",
)  # fmt: skip
_HEADERS = (
    "new file mode 100644", "new file mode 120000", "deleted file mode 100644", "old mode 100644", "new mode 100755",
    "similarity index 90%",
)  # fmt: skip
_SCRAPS = (
    *_HEADERS, "```", "```diff", "~~~", "````", "@@ -1,3 +1,3 @@", "@@ ... @@", "@@", "@@ -4,2 +4,3 @@ def one():",
    "@@ -0,0 +1 @@", "\\ No newline at end of file", "*** Begin Patch", "*** End Patch", "<<<<<<< SEARCH", "=======",
    ">>>>>>> REPLACE", "-- ", "2.39.5", "Binary files a and b differ", "<think>", "</think>", "Here is the change:",
    "- Updated it.", "+ More.", " ...", "+# ... existing code ...", "\u2028", "\x0c", "\ud800",
)  # fmt: skip


@dataclass
class Tally:
    """What came of the answers."""

    applied: int = 0
    refused: int = 0
    slowest: float = 0.0


def answer(rng: Random) -> str:
    """One random answer: pieces of diffs of the tree's files, of other formats and of nothing, in some dress."""
    lines: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        lines += rng.choice((_section, _section, _foreign, _noise))(rng)
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        at = rng.randrange(len(lines) + 1)
        lines[at : at + rng.randint(0, 2)] = [rng.choice((*_SCRAPS, *(lines or [""])))]
    text = "\n".join(lines) + rng.choice(("\n", "\n", ""))
    form = rng.randrange(12)
    if form == 0:
        return json.dumps({"patch": text})
    if form == 1:
        return html.escape(text)
    if form == 2:
        return text.replace("\n", "\r\n")
    if form == 3:
        return text[: rng.randrange(len(text) + 1)]
    return f"```diff\n{text}```\n" if form < 8 else text


def _section(rng: Random) -> list[str]:
    path, other = rng.choice((rng.choice(_PLAIN), rng.choice(_PLAIN), rng.choice(_PATHS))), rng.choice(_PATHS)
    plain = (f"a/{path}", f"b/{path}")
    odd = ((path, path), ("/dev/null", plain[1]), (plain[0], "/dev/null"), (plain[0], f"b/{other}"))
    names = rng.choice((plain, plain, plain, *odd))
    lines = [f"diff --git a/{path} b/{other if rng.random() < 0.1 else path}"] if rng.random() < 0.5 else []
    if rng.random() < 0.2:
        verb = rng.choice(("rename", "copy"))
        lines += rng.choice(([f"{verb} from {path}", f"{verb} to {other}"], [rng.choice(_HEADERS)]))
    lines += [f"--- {names[0]}", f"+++ {names[1]}"]
    for _ in range(rng.randint(0, 3)):
        lines += _hunk(rng, path)
    return lines


def _hunk(rng: Random, path: str) -> list[str]:
    mode, data = FILES.get(path, ("", b"one\ntwo\nthree\n"))
    text = (data if mode != "120000" else b"x\n").decode("utf-8", "replace").split("\n")
    start = rng.randrange(len(text))
    body: list[str] = []
    for line in text[start : start + rng.randint(1, 6)]:
        kept, gone = [f" {line}"], [f"-{line}"]
        body += rng.choice(
            (kept, kept, kept, kept, kept, gone, [*gone, f"+{line}x"], [*gone, f"+{line}x"], [f"+{line}!", *kept])
        )
    old, new = (sum(line[0] in tags for line in body) for tags in (" -", " +"))
    shifted = max(start + 1 + rng.choice((0, 1, -1, 40)), 0)
    numbered = (f"@@ -{shifted},{old} +{start + 1},{new} @@", f"@@ -{start + 1},{old} +{start + 1},{new} @@")
    return [rng.choice((*numbered, "@@ ... @@", "@@")), *body]


def _foreign(rng: Random) -> list[str]:
    path = rng.choice((rng.choice(_PLAIN), rng.choice(_PATHS)))
    body = _hunk(rng, path)[1:]
    old, new = ([line[1:] for line in body if line[0] in tags] for tags in (" -", " +"))
    verb, lines = rng.choice((("Update", ["@@", *body]), ("Add", ["+x"]), ("Delete", [])))
    patch = ["*** Begin Patch", f"*** {verb} File: {path}", *lines, "*** End Patch"]
    search = [path, "<<<<<<< SEARCH", *old, "=======", *new, ">>>>>>> REPLACE"]
    return rng.choice((patch, search, [path, "```", *new, *old, "```"]))


def _noise(rng: Random) -> list[str]:
    letters = [chr(rng.choice((9, 13, 32, 43, 45, 64, 97, 233, 8232))) for _ in range(9)]
    return [rng.choice((*_SCRAPS, "".join(letters))) for _ in range(rng.randint(1, 8))]


def run(count: int, rng: Random, folder: Path) -> Tally:
    """Try `count` answers; AssertionError with the answer at the first that does harm."""
    sandbox = Sandbox(folder)
    put(sandbox.repo, FILES)
    tally = Tally()
    for _ in range(count):
        text = answer(rng)
        started = time.process_time()
        try:
            apply_answer(sandbox.repo, text)
            tally.applied += 1
            dirty = True
        except PatchRefused:
            tally.refused += 1
            dirty = False
        spent = time.process_time() - started
        tally.slowest = max(tally.slowest, spent)
        got = snapshot(sandbox.repo)
        assert spent < _SECONDS, f"{spent:.1f} s for {text!r}"
        assert dirty or got == FILES, f"refused, and changed the tree: {text!r}"
        assert all(got.get(link) == FILES[link] for link in ("out", "inner")), f"a link changed: {text!r}"
        assert sandbox.judge({"expect": "either"}, dirty, got, got) != "wrong", f"wrote outside: {text!r}"
        sandbox.reset(FILES)
    return tally


def main() -> None:
    """Run and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patch.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patch-fuzz-") as folder:
        tally = run(options.count, Random(options.seed), Path(folder))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{tally.applied} applied, {tally.refused} refused, slowest {tally.slowest:.2f} s, {memory} MB at most")


if __name__ == "__main__":
    main()
