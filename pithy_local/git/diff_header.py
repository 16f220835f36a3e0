"""What the header lines of a canonical diff (git's own, without renames) say."""

from __future__ import annotations

import re

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)")
_C_ESCAPES = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
FILE = b"diff --git "
"""What the first line of each file begins with."""


def path_of(line: bytes) -> str:
    """The path in `diff --git a/P b/P`: both are the same, renames are never detected in a canonical diff."""
    rest = line.removeprefix(FILE)
    name = rest[: len(rest) // 2]
    if name.startswith(b'"'):  # git quotes as C does
        name = _ESCAPE.sub(_unescaped, name[1:-1])
    return name.removeprefix(b"a/").decode("utf-8", "replace")


def hunk_of(line: bytes) -> tuple[int, int, int, int] | None:
    """First line and number of lines on the old side, then on the new one; None where no hunk begins."""
    found = _HUNK.match(line)
    if found is None:
        return None
    old, old_lines, new, new_lines = (int(part) if part is not None else 1 for part in found.groups())
    return old, old_lines, new, new_lines


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8)]) if len(code) == 3 else _C_ESCAPES.get(code, code)
