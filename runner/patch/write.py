"""Put planned files into the work tree: git writes, every byte is compared, and on any difference all is as before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.errors import AgentError
from runner.gitio import Git
from runner.patch.refusal import stop
from runner.patch.tree import File

_CONTEXT = 3
_APPLY = ("apply", "--whitespace=nowarn")
_AS_IT_IS = "* -text -ident -filter !working-tree-encoding\n"
"""Attributes of every file: what is planned is written byte for byte, whatever `.gitattributes` in the tree say."""

State = Mapping[str, File | None]
"""Files by path; None: there is none."""


def write(root: Path, before: State, after: State) -> None:
    """Make the files `after` of the files `before` (the same paths), all or none.

    Raises Stop(write_failed) when git will not or does otherwise, with everything as before (so it is after an
    interrupt too); AgentError if even that cannot be restored.
    """
    patch = b"".join(_section(path, before[path], after[path]) for path in sorted(after))
    if not patch:
        return
    made = [path for path in after if before[path] is None]
    folders = [folder for path in made for folder in _new_folders(root, path)]
    written = False
    try:
        why = _applied(root, patch)
        written = not why and _state(root, after) == dict(after)
    finally:
        if not written:
            _restore(root, before, folders)
    if not written:
        raise stop("write_failed", f"git did not write it as planned: {why or 'the files differ'}")


def _applied(root: Path, patch: bytes) -> str:
    """Have git apply `patch`, and return its complaint, "" if it has none.

    It runs with a repository of our own, in which no configuration of the work tree's one is heard.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="pithy-apply-") as folder:
            git_dir = Path(folder)
            for name in ("objects", "refs", "info"):
                (git_dir / name).mkdir()
            (git_dir / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
            (git_dir / "info" / "attributes").write_text(_AS_IT_IS, encoding="utf-8")
            done = Git(cwd=root, git_dir=git_dir, work_tree=root).attempt(*_APPLY, stdin=patch)
    except OSError as error:
        return str(error)
    return "" if done.code == 0 else done.error.strip()[:500] or f"exit code {done.code}"


def _section(path: str, before: File | None, after: File | None) -> bytes:
    """The canonical diff of one path, b"" if nothing changes."""
    if before == after:
        return b""
    names = _quoted("a/" + path), _quoted("b/" + path)
    lines = [b"diff --git %b %b" % names]
    if before is None and after is not None:
        lines.append(b"new file mode %b" % after.mode.encode())
    elif after is None and before is not None:
        lines.append(b"deleted file mode %b" % before.mode.encode())
    elif before is not None and after is not None and before.mode != after.mode:
        lines += [b"old mode %b" % before.mode.encode(), b"new mode %b" % after.mode.encode()]
    old, new = before.data if before else b"", after.data if after else b""
    if old != new:
        tab = b"\t" if " " in path else b""
        lines.append(b"--- %b" % (names[0] + tab if before else b"/dev/null"))
        lines.append(b"+++ %b" % (names[1] + tab if after else b"/dev/null"))
        lines += _hunk(_lines(old), _lines(new))
    return b"\n".join(lines) + b"\n"


def _hunk(old: list[bytes], new: list[bytes]) -> Iterator[bytes]:
    """One hunk from the first line that differs to the last."""
    shortest = min(len(old), len(new))
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    tail = next((at for at in range(shortest - head) if old[-1 - at] != new[-1 - at]), shortest - head)
    first = max(head - _CONTEXT, 0)
    after = min(tail, _CONTEXT)
    counts = len(old) - tail + after - first, len(new) - tail + after - first
    starts = [first + (count > 0) for count in counts]
    yield b"@@ -%d,%d +%d,%d @@" % (starts[0], counts[0], starts[1], counts[1])
    end = len(old) - tail
    shown, added = (old[first:head], old[head:end], old[end : end + after]), new[head : len(new) - tail]
    for marker, lines in ((b" ", shown[0]), (b"-", shown[1]), (b"+", added), (b" ", shown[2])):
        for line in lines:
            yield marker + line.removesuffix(b"\n")
            if not line.endswith(b"\n"):
                yield b"\\ No newline at end of file"


def _lines(data: bytes) -> list[bytes]:
    """The lines of `data`, each with its newline."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1].removesuffix(b"\n")
    return lines if lines[-1] else lines[:-1]


def _quoted(name: str) -> bytes:
    raw = os.fsencode(name)
    return b'"' + raw.replace(b'"', b'\\"') + b'"' if b'"' in raw else raw


def _new_folders(root: Path, path: str) -> list[Path]:
    """The folders above `path` that are not there yet, innermost first."""
    return [
        folder for folder in (root / path).parents if folder != root and root in folder.parents and not folder.exists()
    ]


def _state(root: Path, wanted: State) -> dict[str, File | None]:
    found: dict[str, File | None] = {}
    for path in wanted:
        full = root / path
        if full.is_symlink() or not full.is_file():
            found[path] = None
            continue
        executable = full.stat().st_mode & 0o100
        found[path] = File(data=full.read_bytes(), mode="100755" if executable else "100644")
    return found


def _restore(root: Path, before: State, folders: list[Path]) -> None:
    other = [path for path, file in _state(root, before).items() if file != before[path]]
    try:
        for path in other:  # all of them first: the disk may be full
            (root / path).unlink(missing_ok=True)
        for path in other:
            if (file := before[path]) is not None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(file.data)
                (root / path).chmod(0o755 if file.mode == "100755" else 0o644)
        for folder in folders:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise AgentError(f"an answer could not be applied, and the work tree not restored: {error}") from error
