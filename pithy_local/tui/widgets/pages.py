"""The few pages of a log that are in memory: a million lines cost as much as a thousand."""

from __future__ import annotations

from collections import OrderedDict

from pithy_local.models import LogLine
from pithy_local.tui.board import PAGE

KEPT = 24


class Pages:
    """Pages by number; the least recently used make room. `end` is how many lines the whole log has."""

    def __init__(self, kept: int = KEPT) -> None:
        self.end = 0
        self._kept = kept
        self._pages: OrderedDict[int, tuple[LogLine, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pages)

    def put(self, page: int, lines: tuple[LogLine, ...]) -> None:
        """Keep a page; one that was read earlier and is shorter never replaces a fuller one."""
        if len(lines) >= len(self._pages.get(page, ())):
            self._pages[page] = lines
        self._pages.move_to_end(page)
        while len(self._pages) > self._kept:
            self._pages.popitem(last=False)

    def line(self, row: int) -> LogLine | None:
        """The line of this row (from 0), None where its page must be read first."""
        page, index = divmod(row, PAGE)
        lines = self._pages.get(page)
        if lines is None or index >= len(lines):
            return None
        self._pages.move_to_end(page)
        return lines[index]

    def clear(self) -> None:
        self._pages.clear()
        self.end = 0
