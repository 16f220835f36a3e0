"""Whole-file answers: a path on a line of its own, then the file's complete content in a fenced block."""

from __future__ import annotations

from collections.abc import Sequence

from runner.patch import common
from runner.patch.edit import FileEdit, Whole
from runner.patch.levels import KEYS, Level
from runner.patch.source import Source

_KEPT = 0.5
_LOST_AT_AN_END = 2


def edit(name: str, lines: list[str]) -> FileEdit:
    """The replacement of file `name` by `lines`."""
    return FileEdit(old=(name,), new=(name,), whole=Whole(lines=tuple(lines)))


def is_whole(source: Source, lines: Sequence[str]) -> bool:
    """Whether `lines` can be all of the file's new content rather than an excerpt.

    An excerpt lacks the file's start or end and has nothing in their place; a new version keeps at least half of the
    file's lines. When in doubt it is an excerpt.
    """
    key = KEYS[Level.FOLD]
    old = [written for line in source.lines if (written := key(line))]
    new = [written for line in lines if (written := key(line))]
    if not old:
        return bool(new)
    kept = common.runs(old, new)
    if sum(size for _, _, size in kept) < _KEPT * len(old):
        return False
    (first_old, first_new, _), (last_old, last_new, size) = kept[0], kept[-1]
    lost_start = first_old > _LOST_AT_AN_END and first_new == 0
    lost_end = len(old) - last_old - size > _LOST_AT_AN_END and last_new + size == len(new)
    return not lost_start and not lost_end


def in_place_of(source: Source, lines: Sequence[str]) -> Source:
    """`lines` as the new content of `source`: its byte order mark, its line ends, its missing last newline."""
    lines = list(lines)
    mark = "\ufeff"
    if lines and source.lines[:1] and source.lines[0].startswith(mark):
        lines[0] = mark + lines[0].removeprefix(mark)
    if any(line.endswith("\r") for line in source.lines) and not any(line.endswith("\r") for line in lines):
        lines = _with_line_ends(source, lines)
    same_end = bool(lines) and bool(source.lines) and lines[-1] == source.lines[-1]
    return Source(lines, source.bare and same_end)


def _with_line_ends(source: Source, lines: list[str]) -> list[str]:
    """Lines that the file has get its line end, new ones that of most lines."""
    old = [line.removesuffix("\r") for line in source.lines]
    usual = "\r" if source.carriage_returns else ""
    ended = [line + usual for line in lines]
    for a, b, size in common.runs(old, lines):
        ended[b : b + size] = source.lines[a : a + size]
    return ended
