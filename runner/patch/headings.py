"""The line that a hunk's `@@` header names: the function or class that its lines are in."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from itertools import islice

from runner.patch.levels import KEYS, Level, indent_of
from runner.patch.place import Place
from runner.patch.source import Source

_OPENS = re.compile(
    r"([ \t]*)(?:(?:export|default|public|private|protected|static|async|abstract|final|pub) )*"
    r"(?:class|def|function|func|fn|impl|interface|struct|enum|module|namespace|trait|describe|it|test)\b"
)
_NAME = re.compile(r"[A-Za-z_$@]")
_CUT = 40
_LOOKED_AT = 2_000


def agrees(place: Place, heading: int, source: Source) -> bool:
    """Whether no other block of the kind that the heading's line opens begins between it and the place."""
    if place.start <= heading:
        return heading < place.end
    opening = _openings(source)
    own = bisect_left(opening, (heading, 0))
    if own == len(opening) or opening[own][0] != heading:
        return True
    after = islice(opening, own + 1, own + 1 + _LOOKED_AT)
    return not any(at < place.start and depth <= opening[own][1] for at, depth in after)


@lru_cache(maxsize=4)
def _openings(source: Source) -> list[tuple[int, int]]:
    """Index and depth of each line that opens a function, a class or the like."""
    found = ((at, _OPENS.match(line)) for at, line in enumerate(source.lines))
    return [(at, len(match[1].expandtabs())) for at, match in found if match]


def lines_like(heading: str, source: Source) -> list[int]:
    """Indexes of the lines that are `heading`, or begin with it: git cuts it off after eighty bytes."""
    wanted = KEYS[Level.WHITESPACE](heading)
    keys = source.keys(Level.WHITESPACE)
    exact = [at for at, line in enumerate(keys) if line == wanted]
    if exact or len(wanted) < _CUT:
        return exact
    return [at for at, line in enumerate(keys) if line.startswith(wanted)]


def is_in_block(source: Source, heading: int, start: int) -> bool:
    """Whether no other block opens between the heading and `start`."""
    if start <= heading:
        return False
    depth = len(indent_of(source.lines[heading]).expandtabs())
    return not any(
        _NAME.match(line.lstrip(" \t")) and len(indent_of(line).expandtabs()) <= depth
        for line in source.lines[heading + 1 : start]
    )
