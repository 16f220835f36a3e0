"""The telling parts of a file too large to show whole: its head, and the blocks that the task's words are in."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

from runner.survey.tags import Tags
from runner.survey.words import Words

_HEAD = 30
"""Lines at the top, where imports are."""
_LONGEST = 60
"""Lines of the largest block that is taken or left as one."""
_NAMED = 3.0
"""A find in the line that opens a block, against one in its body."""
_MARK = 40


def of(text: str, found: Tags | None, words: Words, limit: int) -> str:
    """At most about `limit` bytes of `text`: whole lines in their order, with a marker wherever lines are left out.

    "" when no block of it has any of the words.
    """
    lines = text.split("\n")
    blocks = _blocks(len(lines), found)
    scores = _scores(lines, blocks, words)
    if not any(scores):
        return ""
    shown: set[int] = set()
    for index in sorted(range(len(blocks)), key=lambda i: (-scores[i], i)):
        start, end = blocks[index]
        size = sum(len(line.encode()) + 1 for line in lines[start:end]) + _MARK
        if (scores[index] or start < _HEAD) and size <= limit:
            shown.update(range(start, end))
            limit -= size
    return _joined(lines, shown)


def marker(first: int, last: int) -> str:
    """The line that stands for lines `first` to `last`, counted from 1."""
    return f"[… lines {first}-{last} are not shown …]"


def _blocks(total: int, found: Tags | None) -> list[tuple[int, int]]:
    """The file cut where a definition starts, and every `_LONGEST` lines in between: half-open ranges from 0."""
    starts = {0, min(_HEAD, total), total}
    starts.update(definition.line - 1 for definition in (found.definitions if found else ()))
    ordered = sorted(start for start in starts if start <= total)
    return [(at, min(at + _LONGEST, end)) for start, end in pairwise(ordered) for at in range(start, end, _LONGEST)]


def _scores(lines: list[str], blocks: list[tuple[int, int]], words: Words) -> list[float]:
    """What the words found in each block are worth: a word that is in every block says nothing."""
    finds: list[dict[str, float]] = []
    for start, end in blocks:
        opening, body = lines[start].lower(), "\n".join(lines[start:end]).lower()
        finds.append({term: body.count(term) + _NAMED * opening.count(term) for term in words.terms if term in body})
    spread = Counter(term for found in finds for term in found)
    return [
        sum(words.terms[term] * math.log(1 + len(blocks) / spread[term]) * math.log1p(n) for term, n in found.items())
        for found in finds
    ]


def _joined(lines: list[str], shown: set[int]) -> str:
    parts: list[str] = []
    expected = 0
    for number in sorted(shown):
        if number > expected:
            parts.append(marker(expected + 1, number))
        parts.append(lines[number])
        expected = number + 1
    if expected < len(lines):
        parts.append(marker(expected + 1, len(lines)))
    return "\n".join(parts) + "\n"
