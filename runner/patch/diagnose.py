"""Why a hunk fits nowhere: the best alignment with the file, the first line that differs, the real lines around."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches

from runner.patch.edit import Hunk
from runner.patch.levels import KEYS, Level
from runner.patch.order import Slot, Undecided
from runner.patch.refusal import Excerpt, Problem, Reason
from runner.patch.source import Source

_AROUND = 3
_MOST = 15
_COMMON = 50
_CLOSE = 0.6
_WIDTH = 200
_COMPARED = 150
_CANDIDATES = 12


def missing(path: str, hunk: Hunk, number: int, hunks: int, source: Source) -> Problem:
    """The problem of a hunk that has no place in `path`."""
    old = hunk.first.old
    if not any(line.strip() for line in old):
        return _problem(path, hunk, number, hunks, "no_location", "it has no context or deleted lines to find it by")
    if _has_new_side(hunk, source):
        return _problem(path, hunk, number, hunks, "already_applied", "the file has this hunk's new lines already")
    start = _alignment(hunk, source)
    at = _first_difference(old, source, start)
    tags = [tag for tag in hunk.first.tags if tag in " -"]
    yours = tags[at] + old[at]
    theirs = source.lines[start + at] if 0 <= start + at < len(source.lines) else None
    kind: Reason = "deleted_not_found" if tags[at] == "-" else "not_found"
    what = "a line to delete is not in the file" if tags[at] == "-" else "its lines are not in the file"
    return Problem(
        reason=kind, text=what, path=path, hunk=number, hunks=hunks, header=hunk.header, yours=yours, theirs=theirs,
        excerpt=_excerpt(source, start, at, len(old)),
    )  # fmt: skip


def undecided(path: str, error: Undecided, hunks: int, source: Source) -> Problem:
    """The problem of a hunk that has too many places, or fights with another."""
    slot = error.slot
    lines = tuple(sorted({place.start + 1 for place in slot.places}))[:_CANDIDATES]
    excerpt = _excerpt(source, lines[0] - 1, 0, len(slot.hunk.first.old)) if lines else None
    return Problem(
        reason=error.reason, text=error.text, path=path, hunk=slot.number, hunks=hunks, header=slot.hunk.header,
        candidates=lines if error.reason == "ambiguous" else (), excerpt=excerpt,
    )  # fmt: skip


def of_slot(path: str, slot: Slot, hunks: int, reason: Reason, text: str, source: Source) -> Problem:
    """A problem with a hunk that has its place."""
    excerpt = _excerpt(source, slot.place.start, 0, len(slot.place.positions))
    return Problem(
        reason=reason, text=text, path=path, hunk=slot.number, hunks=hunks, header=slot.hunk.header, excerpt=excerpt
    )


def indentation(path: str, hunk: Hunk, number: int, hunks: int, source: Source) -> Problem:
    """The problem of a hunk that fits but for its indentation, which no constant rule explains."""
    starts = source.find(hunk.first.old, Level.WHITESPACE, 1)
    excerpt = _excerpt(source, starts[0], 0, len(hunk.first.old)) if starts else None
    text = "its indentation is not the file's; copy the lines with the blanks and tabs they have"
    return Problem(
        reason="indentation", text=text, path=path, hunk=number, hunks=hunks, header=hunk.header, excerpt=excerpt
    )


def _problem(path: str, hunk: Hunk, number: int, hunks: int, reason: Reason, text: str) -> Problem:
    return Problem(reason=reason, text=text, path=path, hunk=number, hunks=hunks, header=hunk.header)


def _has_new_side(hunk: Hunk, source: Source) -> bool:
    new = hunk.first.new
    return hunk.first.changes and any(line.strip() for line in new) and bool(source.find(new, Level.FOLD, 1))


def _alignment(hunk: Hunk, source: Source) -> int:
    """Index in the file at which most of the hunk's old lines would stand."""
    key = KEYS[Level.WHITESPACE]
    where: dict[str, list[int]] = {}
    for at, line in enumerate(source.keys(Level.WHITESPACE)):
        where.setdefault(line, []).append(at)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(hunk.first.old):
        for at in where.get(key(line), [])[:_COMMON] if line.strip() else ():
            votes[at - offset] += 1
    stated = (hunk.line or 1) - 1
    if votes:
        most = max(votes.values())
        return min((start for start, count in votes.items() if count == most), key=lambda start: abs(start - stated))
    longest = max(range(len(hunk.first.old)), key=lambda at: len(hunk.first.old[at]))
    first = max(stated - _COMPARED, 0)
    near = [line[:_WIDTH] for line in source.keys(Level.WHITESPACE)[first : stated + _COMPARED]]
    if close := get_close_matches(key(hunk.first.old[longest])[:_WIDTH], near, 1, _CLOSE):
        return first + near.index(close[0]) - longest
    return min(stated, max(len(source.lines) - 1, 0))


def _first_difference(old: tuple[str, ...], source: Source, start: int) -> int:
    keys, key = source.keys(Level.FOLD), KEYS[Level.FOLD]
    for offset, line in enumerate(old):
        at = start + offset
        if not 0 <= at < len(keys) or keys[at] != key(line):
            return offset
    return 0


def _excerpt(source: Source, start: int, at: int, length: int) -> Excerpt | None:
    """Five to fifteen real lines, around the one that differs."""
    if not source.lines:
        return None
    first = max(start + at - _AROUND, 0) if length > _MOST - 2 * _AROUND else max(start - _AROUND, 0)
    first = min(first, max(len(source.lines) - 5, 0))
    last = min(max(start + length + _AROUND, first + 5), first + _MOST, len(source.lines))
    return Excerpt(first=first + 1, lines=source.lines[first:last])
