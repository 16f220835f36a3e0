"""The few pages of a log that are in memory: a million lines cost as much as a thousand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from pithy_local.models import LogLine
from pithy_local.tui.records import PAGE

KEPT = 24


class Pages:
    """Pages by number; the least recently used make room. `end` is the seq of the log's last line."""

    def __init__(self, kept: int = KEPT) -> None:
        self.end = 0
        self.kept = kept
        self._pages: OrderedDict[int, dict[int, LogLine]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pages)

    def put(self, page: int, lines: Sequence[LogLine]) -> None:
        """Keep a page; one that was read earlier and is shorter never replaces a fuller one."""
        inside = {line.seq: line for line in lines if page_of(line.seq) == page}
        if len(inside) >= len(self._pages.get(page, ())):
            self._pages[page] = inside
        self._pages.move_to_end(page)
        while len(self._pages) > self.kept:
            self._pages.popitem(last=False)

    def line(self, seq: int) -> LogLine | None:
        """The line with this number (from 1), None where its page must be read first."""
        lines = self._pages.get(page_of(seq))
        if lines is None:
            return None
        self._pages.move_to_end(page_of(seq))
        return lines.get(seq)

    def forget_up_to(self, seq: int) -> None:
        """The pages up to the one with this line are not what they were."""
        for page in [page for page in self._pages if page <= page_of(seq)]:
            del self._pages[page]

    def clear(self) -> None:
        self._pages.clear()
        self.end = 0


def page_of(seq: int) -> int:
    return (seq - 1) // PAGE
