"""What of one task's log can be shown: which lines there are, with or without a filter, and the few in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

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
        self.known = False
        """Whether anything was read: until then nobody knows that the log is empty."""
        self.dropped = 0
        """Rows that were there and left at the front, in all: retention takes the oldest lines."""
        self._pages = Pages()
        self._seqs = array("Q")
        self._scanned = self._sought = 0
        self._measured = 0
        self._first = 1
        self._starts: Sequence[tuple[int, int]] = ()

    @property
    def rows(self) -> int:
        return len(self._seqs) if self.only else self.kept

    @property
    def kept(self) -> int:
        """How many lines of the log are kept, as far as is known."""
        return max(0, self._pages.end - self._first + 1)

    @property
    def end(self) -> int:
        """The number of the last line, as far as is known."""
        return self._pages.end

    @property
    def pages(self) -> int:
        """How many pages are in memory."""
        return len(self._pages)

    def open(self, task: str | None) -> None:
        """Another task's log: nothing is known of it."""
        self.task = task
        self._pages.clear()
        self.widest, self._measured, self._first, self._starts, self.known = 0, 0, 1, (), False
        self._forget_matches()

    def take(self, part: LogPart) -> bool:
        """Pages that were read; False for another task's, and where nothing could be read."""
        if part.task != self.task or part.unread:
            return False
        self.known = True
        self._pages.end = max(self._pages.end, part.end)
        if part.first < self._first:
            return True  # it was read before lines were removed
        self._keep_from(part.first)
        self._starts = part.starts
        for page, lines in part.pages.items():
            self._pages.put(page, lines)
            unseen = [line for line in lines if line.seq > self._measured or page < page_of(self._measured)]
            self.widest = max([self.widest, *map(look.log_line_width, unseen)])
        self._measured = max([self._measured, *(lines[-1].seq for lines in part.pages.values() if lines)])
        return True

    def _keep_from(self, first: int) -> None:
        """Older lines than this one are no longer kept; it may be another one itself: a word about their removal."""
        if first > self._first:
            gone = bisect_left(self._seqs, first)
            del self._seqs[:gone]
            self.dropped += gone if self.only else first - self._first
            self._first = first
            self._pages.forget_up_to(first)

    # ---- the filter

    def filter(self, needle: Needle | None, height: int) -> None:
        """Show only lines with this in them, in a view of `height` rows: at worst each of them is on another page."""
        self.only = needle
        self._pages.kept = max(KEPT, 2 * height) if needle else KEPT
        self._forget_matches()
        self._sought = self._pages.end

    def take_matches(self, found: Matches) -> bool:
        """More lines that the filter lets through; False where they answer another question."""
        if found.task != self.task or found.needle != self.only or found.after != self._scanned:
            return False
        self._seqs.extend(found.seqs[bisect_left(found.seqs, self._first) :])
        self._scanned = found.scanned
        return True

    @property
    def unscanned(self) -> tuple[Needle, int] | None:
        """The filter, and the line up to which it is known, if there are more."""
        return (self.only, self._scanned) if self.only and self._scanned < self._pages.end else None

    @property
    def searched(self) -> bool:
        """Whether the filter has been held against all lines there were when it was set: more come in for ever."""
        return self._scanned >= self._sought

    def _forget_matches(self) -> None:
        self._seqs, self._scanned = array("Q"), 0

    # ---- rows and lines

    def seq(self, row: int) -> int:
        """The number of the line in this row."""
        return self._seqs[row] if self.only else self._first + row

    def row_of(self, seq: int) -> int:
        """Where this line stands, or the next that is shown."""
        return bisect_left(self._seqs, seq) if self.only else max(0, seq - self._first)

    def line(self, row: int) -> LogLine | None:
        """The line in this row, if it is in memory."""
        return self._pages.line(self.seq(row)) if 0 <= row < self.rows else None

    # ---- attempts

    @property
    def attempts(self) -> int:
        """Of how many attempts there are lines."""
        return len(self._starts)

    def attempt(self, row: int) -> int:
        """Whose line this row is; 0 before that is known."""
        at = bisect_right(self._starts, self.seq(row), key=lambda start: start[0])
        return self._starts[at - 1][1] if at else 0

    def begins(self, row: int) -> int:
        """The attempt that begins with this row, where there are several; else 0."""
        attempt = self.attempt(row) if self.attempts > 1 else 0
        return attempt if row == 0 or self.attempt(row - 1) != attempt else 0

    def attempt_rows(self) -> list[int]:
        """The row with which each attempt begins; a filter may leave some of them without one."""
        rows = (self.row_of(seq) for seq, _ in self._starts)
        return sorted({row for row in rows if row < self.rows})
