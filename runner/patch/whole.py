"""Whole-file answers: a path on a line of its own, then the file's complete content in a fenced block."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from runner.patch.edit import FileEdit, Whole
from runner.patch.levels import KEYS, Level
from runner.patch.source import Source

_KEPT = 0.5
_LOST_AT_AN_END = 2
_LINES_LIMIT = 20_000


def edit(name: str, lines: list[str]) -> FileEdit:
    """The replacement of file `name` by `lines`."""
    return FileEdit(old=(name,), new=(name,), whole=Whole(lines=tuple(lines)))


def is_whole(source: Source, lines: Sequence[str]) -> bool:
    """Whether `lines` can be all of the file's new content rather than an excerpt.

    An excerpt lacks the file's start or end and has nothing in their place; a new version keeps at least half of the
    file's lines. When in doubt it is an excerpt.
    """
    key = KEYS[Level.FOLD]
    old = [kept for line in source.lines if (kept := key(line))]
    new = [kept for line in lines if (kept := key(line))]
    if not old:
        return bool(new)
    if len(old) > _LINES_LIMIT or len(new) > _LINES_LIMIT:
        return False
    blocks = [block for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks() if block.size]
    if sum(block.size for block in blocks) < _KEPT * len(old):
        return False
    first, last = blocks[0], blocks[-1]
    lost_start = first.a > _LOST_AT_AN_END and first.b == 0
    lost_end = len(old) - last.a - last.size > _LOST_AT_AN_END and last.b + last.size == len(new)
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
    for block in SequenceMatcher(None, old, lines, autojunk=False).get_matching_blocks():
        ended[block.b : block.b + block.size] = source.lines[block.a : block.a + block.size]
    return ended
