"""The lines that two texts have in common, in order: patience, so that the work stays near their length.

difflib finds a little more in texts of few distinct lines, and takes the cube of their length for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

_DEPTH = 8

Run = tuple[int, int, int]
"""Index in the old lines, index in the new ones, number of equal lines."""


def runs(old: Sequence[str], new: Sequence[str]) -> list[Run]:
    """The runs of common lines, in order, none empty: common ends, lines that are once in both, and so on between."""
    found: list[Run] = []
    for a, b, size in _runs(old, new, (0, len(old), 0, len(new)), _DEPTH):
        if found and found[-1][0] + found[-1][2] == a and found[-1][1] + found[-1][2] == b:
            found[-1] = (*found[-1][:2], found[-1][2] + size)
        else:
            found.append((a, b, size))
    return found


def ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many lines both begin with and, of what is left, how many both end with."""
    shortest = min(len(old), len(new))
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    tail = next((at for at in range(shortest - head) if old[-1 - at] != new[-1 - at]), shortest - head)
    return head, tail


def _runs(old: Sequence[str], new: Sequence[str], part: tuple[int, int, int, int], depth: int) -> Iterator[Run]:
    a, a_end, b, b_end = part
    if a == a_end or b == b_end:
        return
    head, tail = ends(old[a:a_end], new[b:b_end])
    if head:
        yield a, b, head
    a, b, a_end, b_end = a + head, b + head, a_end - tail, b_end - tail
    anchors = _anchors(old[a:a_end], new[b:b_end]) if depth else []
    start_a, start_b = a, b
    for x, y in anchors:
        yield from _runs(old, new, (a, start_a + x, b, start_b + y), depth - 1)
        yield start_a + x, start_b + y, 1
        a, b = start_a + x + 1, start_b + y + 1
    if anchors:
        yield from _runs(old, new, (a, a_end, b, b_end), depth - 1)
    if tail:
        yield a_end, b_end, tail


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The longest rising sequence of lines that are in both once: index in the old lines, index in the new ones."""
    counts = Counter(old)
    where = {line: at for at, line in enumerate(old) if counts[line] == 1}
    counts = Counter(new)
    pairs = [(where[line], at) for at, line in enumerate(new) if line in where and counts[line] == 1]
    lasts: list[int] = []
    piles: list[int] = []
    before: list[int | None] = []
    for index, (x, _) in enumerate(pairs):
        pile = bisect_left(lasts, x)
        before.append(piles[pile - 1] if pile else None)
        lasts[pile : pile + 1] = [x]
        piles[pile : pile + 1] = [index]
    chosen: list[tuple[int, int]] = []
    at = piles[-1] if piles else None
    while at is not None:
        chosen.append(pairs[at])
        at = before[at]
    return chosen[::-1]
