"""Real changes: files of two versions of a package, or of a repository's commits, a few hunks of them at a time."""

from __future__ import annotations

import difflib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from benchmarks.patch.model import Commit

_TEXT_LIMIT = 150_000
_HUNKS = 5
_FILES = 3
_DECOYS = 3


def commits(old: Path, new: Path, count: int, rng: Random) -> Iterator[Commit]:
    """`count` changes on the way from the tree `old` to the tree `new`: some files, of each some of the edits."""
    before, after = _texts(old), _texts(new)
    changed = sorted(path for path in before if path in after and before[path] != after[path])
    added = sorted(path for path in after if path not in before)
    gone = sorted(path for path in before if path not in after and len(before[path]) < 8000)
    unchanged = sorted(path for path in before if before.get(path) == after.get(path))
    if not changed:
        return
    for number in range(count):
        chosen = rng.sample(changed, min(len(changed), rng.randint(1, _FILES)))
        decoys = rng.sample(unchanged, min(len(unchanged), _DECOYS))
        start = {path: before[path] for path in chosen + decoys}
        end = dict(start) | {path: _partly(before[path], after[path], rng) for path in chosen}
        if added and rng.random() < 0.15:
            path = rng.choice(added)
            end[path] = after[path][:6000].rsplit("\n", 1)[0] + "\n"
        if gone and rng.random() < 0.1:
            path = rng.choice(gone)
            start[path] = before[path]
        if rng.random() < 0.08:
            end["moved/" + chosen[0]] = end.pop(chosen[0])
        if rng.random() < 0.12:
            start, end = ({path: text.replace("\n", "\r\n") for path, text in side.items()} for side in (start, end))
        if rng.random() < 0.08:
            start, end = ({path: text.removesuffix("\n") for path, text in side.items()} for side in (start, end))
        if (made := commit_of(f"{old.parent.name}-{old.name}-{number:03}", start, end)) is not None:
            yield made


def commit_of(name: str, before: dict[str, str], after: dict[str, str]) -> Commit | None:
    """The change as git tells it, None where there is none (or one that git calls binary)."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _git(root, "init", "-q")
        _put(root, before)
        _git(root, "add", "-A", "-f")
        _git(root, "commit", "-q", "--allow-empty", "-m", "before")
        for path in before:
            (root / path).unlink()
        _put(root, after)
        _git(root, "add", "-A", "-f")
        truth = _git(root, "diff", "--cached", "-M").decode("utf-8")
    if not truth or "Binary files" in truth or "GIT binary" in truth:
        return None
    return Commit(id=name, before=before, after=after, truth=truth)


def _partly(old: str, new: str, rng: Random) -> str:
    a, b = old.split("\n"), new.split("\n")
    edits = [code for code in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes() if code[0] != "equal"]
    chosen = sorted(rng.sample(edits, min(len(edits), rng.randint(1, _HUNKS))))
    for _, i1, i2, j1, j2 in sorted(chosen, key=lambda code: -code[1]):
        a[i1:i2] = b[j1:j2]
    return "\n".join(a)


def _texts(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or path.is_symlink() or ".dist-info" in name or path.stat().st_size > _TEXT_LIMIT:
            continue
        data = path.read_bytes()
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if "\0" not in text and text and name.isascii() and " " not in name:
            found[name] = text
    return found


def _put(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())


def _git(root: Path, *args: str) -> bytes:
    settings = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "core.autocrlf=false")
    return subprocess.run(["git", *settings, *args], cwd=root, check=True, capture_output=True, timeout=60).stdout
