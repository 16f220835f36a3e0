"""Where a hunk can go: at the strictest level, and in the likeliest reading, that has any place at all."""

from __future__ import annotations

from dataclasses import dataclass

from runner.patch import gaps, rewrite
from runner.patch.edit import Body, Hunk
from runner.patch.levels import CONTIGUOUS, Level
from runner.patch.place import Place
from runner.patch.source import Source

_PLACES = 200
"""Places of one reading that are looked at; a hunk that fits this often is ambiguous anyway."""


@dataclass(kw_only=True)
class Found:
    """The places of a hunk, none if it fits nowhere. `unclear`: it fits, but its added lines' indentation is unclear.

    `rival`: elsewhere it fits better, but the line that the hunk states fits too, at a more forgiving level.
    """

    places: list[Place]
    unclear: bool = False
    rival: bool = False


def locate(hunk: Hunk, source: Source) -> Found:
    """Every place of `hunk` in the file."""
    unclear = False
    for group in hunk.readings:
        for level in CONTIGUOUS:
            found: list[Place] = []
            for body in group:
                places = _contiguous(hunk, body, source, level)
                if level == Level.WHITESPACE:
                    clear = [place for place in places if rewrite.edits(source, place) is not None]
                    unclear |= len(clear) < len(places)
                    places = clear
                found += places
            if found:
                return Found(places=_ordered(found, source), rival=_has_rival(hunk, group, source, level, found))
    for group in hunk.readings:
        found = [place for body in group for place in gaps.places(body, source)]
        if found:
            return Found(places=_ordered(found, source))
    return Found(places=[], unclear=unclear)


def stated(hunk: Hunk, places: list[Place]) -> list[Place]:
    """Those of `places` that begin at the line that the hunk states."""
    return [place for place in places if hunk.line is not None and place.start == hunk.line - 1]


def _contiguous(hunk: Hunk, body: Body, source: Source, level: Level) -> list[Place]:
    if not body.old or (body.literal and level > Level.FOLD) or _drops_content(body, source):
        return []
    if level > Level.FOLD and not any(line.strip() for line in body.old):
        return []
    starts = source.find(body.old, level, _PLACES)
    if hunk.at_end:
        starts = [at for at in starts if at + len(body.old) == len(source.lines)] or starts
    if len(starts) == _PLACES and hunk.line is not None and source.fits(body.old, level, hunk.line - 1):
        starts.append(hunk.line - 1)
    return [Place(body=body, positions=range(at, at + len(body.old)), level=level) for at in dict.fromkeys(starts)]


def _drops_content(body: Body, source: Source) -> bool:
    """Whether what this reading takes for a list in prose would delete real lines of the file."""
    return bool(body.unread) and any(source.has(line, Level.FOLD) for line in body.unread)


def _has_rival(hunk: Hunk, group: tuple[Body, ...], source: Source, level: Level, found: list[Place]) -> bool:
    if hunk.line is None or stated(hunk, found):
        return False
    looser = [body for body in group if any(line.strip() for line in body.old) and not body.literal]
    return any(source.fits(body.old, other, hunk.line - 1) for other in CONTIGUOUS if other > level for body in looser)


def _ordered(places: list[Place], source: Source) -> list[Place]:
    """The places as they come in the file; readings that do the same at the same place count once."""
    if len({place.start for place in places}) == len(places):
        return sorted(places, key=lambda place: place.start)
    kept: dict[tuple[object, ...], Place] = {}
    for place in sorted(places, key=lambda place: (place.start, place.end)):
        kept.setdefault((place.start, place.end, tuple(rewrite.edits(source, place) or ())), place)
    return list(kept.values())
