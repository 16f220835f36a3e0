"""The last resort: a hunk whose model left out context lines, silently or with an `...`.

Gaps are between two context lines alone; deleted lines and what stands beside them must be in the file as they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from runner.patch.edit import Body
from runner.patch.levels import KEYS, Level
from runner.patch.place import Place
from runner.patch.prose import is_elision
from runner.patch.source import Source

_LEVEL = Level.FOLD
_SKIPPED = 2
_ANCHORS = 4
_LINES = 300
_STEPS = 20_000
_PLACES = 50


def places(body: Body, source: Source) -> list[Place]:
    """Every way to put `body` into the file with such gaps; none if there is too little to hold on to."""
    if body.literal or len(body.tags) > _LINES:
        return []
    tags = "".join(
        "~" if tag == " " and is_elision(text) and not source.has(text, _LEVEL) else tag
        for tag, text in zip(body.tags, body.texts, strict=True)
    )
    marked = Body(tags=tags, texts=body.texts, bare_old=body.bare_old, bare_new=body.bare_new)
    if sum(1 for line in marked.old if line.strip()) < _ANCHORS:
        return []
    search = _Search(marked, source)
    return [Place(body=search.body, positions=found, level=Level.GAP) for found in search.run()]


class _Search:
    """Walks through the file from every line that could be the hunk's first."""

    def __init__(self, marked: Body, source: Source) -> None:
        kept = [(tag, text) for tag, text in zip(marked.tags, marked.texts, strict=True) if tag != "~"]
        self.body = Body(
            tags="".join(tag for tag, _ in kept), texts=tuple(text for _, text in kept),
            bare_old=marked.bare_old, bare_new=marked.bare_new,
        )  # fmt: skip
        self._keys = source.keys(_LEVEL)
        self._wanted = [KEYS[_LEVEL](line) for line in self.body.old]
        self._may_skip, self._elided = _boundaries(marked.tags)
        self._where: dict[str, list[int]] = {}
        for at, line in enumerate(self._keys) if self._elided else ():
            self._where.setdefault(line, []).append(at)
        added = (KEYS[_LEVEL](text) for tag, text in kept if tag == "+")
        self._added = {line for line in added if line}
        self._steps = 0

    def run(self) -> list[tuple[int, ...]]:
        """The indexes of the file's lines, once for each way; nothing if there are too many to try."""
        found: list[tuple[int, ...]] = []
        for at, line in enumerate(self._keys):
            if line == self._wanted[0]:
                for positions in self._follow([at], 0):
                    found.append(positions)
                    if len(found) > _PLACES:
                        return found
            if self._steps > _STEPS:
                return []
        return found

    def _follow(self, positions: list[int], skipped: int) -> Iterator[tuple[int, ...]]:
        while len(positions) < len(self._wanted):
            self._steps += 1
            index = len(positions)
            if self._steps > _STEPS:
                return
            if index in self._elided or (index in self._may_skip and not self._elided):
                for at in self._after(positions[-1] + 1, index, skipped):
                    gap = 0 if index in self._elided else at - positions[-1] - 1
                    yield from self._follow([*positions, at], skipped + gap)
                return
            at = positions[-1] + 1
            if at >= len(self._keys) or self._keys[at] != self._wanted[index]:
                return
            positions = [*positions, at]
        yield tuple(positions)

    def _after(self, at: int, index: int, skipped: int) -> Iterator[int]:
        """Where old line `index` may stand from line `at` on."""
        wanted = self._wanted[index]
        if index in self._elided:
            places = self._where.get(wanted, [])
            for later in places[bisect_left(places, at) :]:
                if self._steps > _STEPS:
                    return
                yield later
            return
        for later in range(at, min(at + _SKIPPED - skipped + 1, len(self._keys))):
            if self._keys[later] == wanted:
                yield later
            if self._keys[later] in self._added:
                return


def _boundaries(tags: str) -> tuple[frozenset[int], frozenset[int]]:
    """The old lines before which lines may have been left out silently, and those before which `...` says so."""
    silent: set[int] = set()
    elided: set[int] = set()
    index = 0
    for at, tag in enumerate(tags):
        if tag in " -":
            before = tags[:at].rstrip("~")
            if index and tag == " " and before.endswith(" "):
                (elided if tags[at - 1] == "~" else silent).add(index)
            index += 1
    return frozenset(silent), frozenset(elided)
