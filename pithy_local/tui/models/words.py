"""What differs between a line and the one that took its place, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_WORDS = 200
"""Longer differences are one: finding out costs the square of it."""
_ALIKE = 0.3
"""Lines that share less than this of their characters are two lines, not one that was changed."""

Span = tuple[int, int]


@lru_cache(maxsize=1024)
def changed(text: str, other: str) -> tuple[Span, ...]:
    """Where `text` has words that `other` has not, as (start, end); () where they are not alike at all."""
    mine, others = _WORD.findall(text), _WORD.findall(other)
    spans: list[Span] = []
    at = same = 0
    for start, _, size in _matching(mine, others):
        if start > at:
            begin = len("".join(mine[:at]))
            spans.append((begin, begin + len("".join(mine[at:start]))))
        same += sum(len(word) for word in mine[start : start + size] if not word.isspace())
        at = start + size
    letters = max(len("".join(text.split())), len("".join(other.split())))
    return tuple(_joined(text, spans)) if same >= _ALIKE * letters else ()


def _matching(mine: list[str], others: list[str]) -> list[tuple[int, int, int]]:
    """Runs of words that both have, in order, as (start here, start there, how many); the last one is empty."""
    most = min(len(mine), len(others))
    start = next((at for at in range(most) if mine[at] != others[at]), most)
    end = next((at for at in range(most - start) if mine[-1 - at] != others[-1 - at]), most - start)
    inner, outer = mine[start : len(mine) - end], others[start : len(others) - end]
    runs = [(0, 0, start)]
    if max(len(inner), len(outer)) <= _MOST_WORDS:
        blocks = SequenceMatcher(None, inner, outer, autojunk=False).get_matching_blocks()
        runs += [(start + block.a, start + block.b, block.size) for block in blocks if block.size]
    return [*runs, (len(mine) - end, len(others) - end, end), (len(mine), len(others), 0)]


def _joined(text: str, spans: list[Span]) -> list[Span]:
    """Spans with nothing but space between them are one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
