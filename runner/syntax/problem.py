"""What a syntax check found."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Where a file stops being its language. `line` and `column` count from 1, columns in characters."""

    path: str
    line: int
    column: int
    text: str
    """That line of the file, at most 200 characters, without control characters."""
    reason: str
    """What is wrong there, in the parser's words."""

    def __str__(self) -> str:
        """Two lines, as compilers write it: place and reason, then the line."""
        return f"{self.path}:{self.line}:{self.column}: {self.reason}\n    {self.text.strip()}"


def at(path: str, source: bytes, line: int, column: int, reason: str) -> Problem:
    """A problem at line and column of `source`, both from 1; places outside the file are moved into it."""
    lines = source.split(b"\n")
    line = min(max(line, 1), len(lines))
    text = lines[line - 1].decode("utf-8", "replace").rstrip("\r")
    return Problem(
        path=path, line=line, column=min(max(column, 1), len(text) + 1), text=_plain(text), reason=_plain(reason)
    )


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text[:_LONGEST])
