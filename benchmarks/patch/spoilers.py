"""What must be refused: answers whose meaning is gone, and answers that mean harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from benchmarks.patch.model import Commit, Diff, FileText, HunkText, each_hunk, text_of
from benchmarks.patch.oracle import places

Spoiler = Callable[[Random, Commit, Diff], str | None]
_EVIL = (
    "../evil.txt", "/tmp/evil.txt", "a/../../evil.txt", ".git/hooks/pre-commit", ".GIT/config", "sub/.git/config",
    "..\\evil.txt", ".git /x", "git~1/config", ".g\u200cit/config", "C:/evil.txt",
)  # fmt: skip


_PLACEHOLDERS = (
    "... existing code ...",
    "# ... rest of the function ...",
    "// ... existing code ...",
    "... (rest of the implementation) ...",
)


def stale_minus(rng: Random, commit: Commit, diff: Diff) -> str | None:
    """A deleted line that the file does not have."""
    chosen = _choose(rng, diff, lambda line: line[:1] == "-" and len(line.strip("- \t")) > 6)
    return None if chosen is None else text_of(_with_line(diff, *chosen, lambda line: line[:-3] + "qzx"))


def stale_context(rng: Random, commit: Commit, diff: Diff) -> str | None:
    """A context line that the file does not have."""
    chosen = _choose(rng, diff, lambda line: line[:1] == " " and len(line.strip()) > 6)
    return None if chosen is None else text_of(_with_line(diff, *chosen, lambda line: line[:-3] + "qzx"))


def minus_left_out(rng: Random, commit: Commit, diff: Diff) -> str | None:
    """A line within deleted ones missing."""
    for part in diff:
        for hunk in part.hunks:
            inner = [
                at
                for at in range(1, len(hunk.lines) - 1)
                if all(hunk.lines[i][:1] == "-" for i in (at - 1, at, at + 1))
            ]
            if part.is_plain and inner and len({*hunk.lines}) == len(hunk.lines):
                at = rng.choice(inner)
                return text_of(_replaced(diff, part, hunk, replace(hunk, lines=hunk.lines[:at] + hunk.lines[at + 1 :])))
    return None


def truncated(rng: Random, commit: Commit, diff: Diff) -> str | None:
    text = text_of(diff)
    start = text.find("\n@@") + 1
    if start <= 0 or not diff[0].hunks or len(text) - start < 80:
        return None
    cut = rng.randint(start + 40, len(text) - 10)
    inside = text[:cut].rstrip("\n")
    if text[len(inside) :].startswith(("\n@@", "\ndiff ")):
        return None
    if inside.rsplit("\n", 1)[-1].startswith(("diff ", "index", "---", "+++", "@@", "new ", "del")):
        return None
    return inside if rng.random() < 0.5 else f"Here:\n\n```diff\n{inside}"


def ambiguous(rng: Random, commit: Commit, diff: Diff) -> str | None:
    """Context away until the hunk fits twice, and no numbers, or wrong ones."""
    part = next((part for part in diff if part.is_plain and len(part.hunks) == 1), None)
    if part is None:
        return None
    hunk, text = part.hunks[0], commit.before[str(part.old)]
    tags = "".join(line[:1] for line in hunk.lines)
    for keep in (2, 1, 0):
        head = max(len(tags) - len(tags.lstrip(" ")) - keep, 0)
        tail = max(len(tags) - len(tags.rstrip(" ")) - keep, 0)
        small = replace(hunk, lines=hunk.lines[head : len(hunk.lines) - tail])
        fits = places(small, text)
        if small.old and "-" in tags and len(fits) > 1 and any(line.strip() for line in small.old):
            middle = (fits[0] + fits[1]) // 2 + 1
            near = {abs(at + 1 - middle) for at in fits}
            if middle - 1 in fits or min(near) <= 3:
                return text_of(_replaced(diff, part, hunk, replace(small, header="@@ ... @@")))
            header = rng.choice(["@@ ... @@", f"@@ -{middle},{len(small.old)} +{middle},{len(small.new)} @@"])
            return text_of(_replaced(diff, part, hunk, replace(small, header=header)))
    return None


def two_drafts(rng: Random, commit: Commit, diff: Diff) -> str | None:
    if not any(line[:1] == "+" and line[1:].strip() for part in diff for hunk in part.hunks for line in hunk.lines):
        return None
    other = each_hunk(
        diff, lambda hunk: hunk.mapped(lambda line: line + " alt" if line[:1] == "+" and line[1:].strip() else line)
    )
    return f"Option 1:\n\n```diff\n{text_of(diff)}```\n\nOption 2:\n\n```diff\n{text_of(other)}```\n"


def reversed_(rng: Random, commit: Commit, diff: Diff) -> str | None:
    if not all(part.is_plain for part in diff):
        return None
    swap = {"+": "-", "-": "+"}

    def turn(hunk: HunkText) -> HunkText:
        flipped = [swap.get(line[:1], line[:1]) + line[1:] for line in hunk.lines]
        runs: list[str] = []
        added: list[str] = []
        for line in [*flipped, " end"]:
            if line[:1] == "+":
                added.append(line)
                continue
            if line[:1] == " ":
                runs += added
                added = []
            runs.append(line)
        return replace(hunk, lines=tuple(runs[:-1]), start=hunk.new_start, new_start=hunk.start)

    if any(line[:1] == "\\" for part in diff for hunk in part.hunks for line in hunk.lines):
        return None
    turned = each_hunk(diff, turn)
    if any(places(hunk, commit.before[str(part.old)]) for part in turned for hunk in part.hunks):
        return None
    return text_of(turned)


def placeholder(rng: Random, commit: Commit, diff: Diff) -> str | None:
    chosen = _choose(rng, diff, lambda line: line[:1] == "+" and len(line) > 12)
    words = rng.choice(_PLACEHOLDERS)
    return None if chosen is None else text_of(_with_line(diff, *chosen, lambda line: "+" + words))


def evil(rng: Random, commit: Commit, diff: Diff) -> str | None:
    path, source = rng.choice(_EVIL), next(iter(commit.before))
    mode = rng.choice(["120000", "160000"])
    evils = (
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+pwned\n",
        f"diff --git a/{source} b/{path}\nsimilarity index 100%\nrename from {source}\nrename to {path}\n",
        f"diff --git a/link b/link\nnew file mode {mode}\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+../..\n",
    )
    return rng.choice(evils) + text_of(diff)


def missing_file(rng: Random, commit: Commit, diff: Diff) -> str | None:
    part = diff[0]
    if not part.is_plain:
        return None
    gone = replace(part, header=("--- a/src/legacy/zz_gone.txt", "+++ b/src/legacy/zz_gone.txt"))
    return text_of((gone, *diff[1:]))


def new_over_old(rng: Random, commit: Commit, diff: Diff) -> str | None:
    path = next((path for path, text in commit.before.items() if text and len(text) < 20_000), None)
    if path is None:
        return None
    lines = commit.before[path].removesuffix("\n").split("\n")
    header = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{header}@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)


REFUSED: dict[str, Spoiler] = {
    function.__name__: function
    for function in (
        stale_minus, minus_left_out, truncated, ambiguous, two_drafts, reversed_, placeholder, evil, missing_file,
        new_over_old,
    )
}  # fmt: skip
"""Every one of these answers must be refused."""

EITHER: dict[str, Spoiler] = {"stale_context": stale_context}
"""These may be refused, or applied as the real change was."""


def _choose(rng: Random, diff: Diff, wanted: Callable[[str], bool]) -> tuple[FileText, HunkText, int] | None:
    found = [
        (part, hunk, at)
        for part in diff
        for hunk in part.hunks
        for at, line in enumerate(hunk.lines)
        if part.old is not None and wanted(line)
    ]
    return rng.choice(found) if found else None


def _with_line(diff: Diff, part: FileText, hunk: HunkText, at: int, change: Callable[[str], str]) -> Diff:
    lines = (*hunk.lines[:at], change(hunk.lines[at]), *hunk.lines[at + 1 :])
    return _replaced(diff, part, hunk, replace(hunk, lines=lines))


def _replaced(diff: Diff, part: FileText, hunk: HunkText, other: HunkText) -> Diff:
    changed = replace(part, hunks=tuple(other if each is hunk else each for each in part.hunks))
    return tuple(changed if each is part else each for each in diff)
