"""What of one task's log can be shown: which lines there are, with or without a filter, and the few in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.tui import look
from pithy_local.tui.models.pages import KEPT, Pages, page_of
from pithy_local.tui.records import LogPart, Matches


class LogWindow:
    """Rows (from 0) over the lines of a log (`seq` from 1). Its memory does not grow with the log: a filter's matches
    take eight bytes each."""

    def __init__(self) -> None:
        self.task: str | None = None
        self.only: Needle | None = None
        """The filter: None shows every line."""
        self.widest = 0
        """Columns of the widest line that was read."""
        self._pages = Pages()
        self._seqs = array("Q")
        self._scanned = 0
        self._measured = 0
        self._first = 1

    @property
    def rows(self) -> int:
        return len(self._seqs) if self.only else self.kept

    @property
    def kept(self) -> int:
        """How many lines of the log are kept, as far as is known."""
        return max(0, self._pages.end - self._first + 1)

    @property
    def pages(self) -> int:
        """How many pages are in memory."""
        return len(self._pages)

    def open(self, task: str | None) -> None:
        """Another task's log: nothing is known of it."""
        self.task = task
        self._pages.clear()
        self.widest, self._measured, self._first = 0, 0, 1
        self._forget_matches()

    def take(self, part: LogPart) -> bool:
        """Pages that were read; False for another task's."""
        if part.task != self.task:
            return False
        for page, lines in part.pages.items():
            self._pages.put(page, lines)
            unseen = [line for line in lines if line.seq > self._measured or page < page_of(self._measured)]
            self.widest = max([self.widest, *map(look.log_line_width, unseen)])
        self._first = max(self._first, part.first)
        self._pages.end = max(self._pages.end, part.end)
        self._measured = max([self._measured, *(lines[-1].seq for lines in part.pages.values() if lines)])
        return True

    def filter(self, needle: Needle | None, height: int) -> None:
        """Show only lines with this in them, in a view of `height` rows: at worst each of them is on another page."""
        self.only = needle
        self._pages.kept = max(KEPT, 2 * height) if needle else KEPT
        self._forget_matches()

    def take_matches(self, found: Matches) -> bool:
        """More lines that the filter lets through; False where they answer another question."""
        if found.task != self.task or found.needle != self.only or found.after != self._scanned:
            return False
        self._seqs.extend(found.seqs)
        self._scanned = found.scanned
        return True

    @property
    def unscanned(self) -> tuple[Needle, int] | None:
        """The filter, and the line up to which it is known, if there are more."""
        return (self.only, self._scanned) if self.only and self._scanned < self._pages.end else None

    def seq(self, row: int) -> int:
        """The number of the line in this row."""
        return self._seqs[row] if self.only else self._first + row

    def row_of(self, seq: int) -> int:
        """Where this line stands, or the next that is shown."""
        return bisect_left(self._seqs, seq) if self.only else seq - self._first

    def line(self, row: int) -> LogLine | None:
        """The line in this row, if it is in memory."""
        return self._pages.line(self.seq(row)) if 0 <= row < self.rows else None

    def is_gone(self, row: int) -> bool:
        """Whether this line was there and is no longer kept."""
        return self._pages.is_gone(self.seq(row))

    def _forget_matches(self) -> None:
        self._seqs, self._scanned = array("Q"), 0
