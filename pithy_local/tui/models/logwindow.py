"""What of one task's log can be shown: which lines there are, with or without a filter, and the few in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.tui import look
from pithy_local.tui.models.logmatches import MOST_COUNTED, LogMatches, numbered
from pithy_local.tui.models.pages import KEPT, Pages, page_of
from pithy_local.tui.records import LogPart, Matches, Scan


class LogWindow:
    """Rows (from 0) over the lines of a log (`seq` from 1). Its memory does not grow with the log: a filter's matches
    take eight bytes each, and so do a search's, of which no more are counted than `MOST_COUNTED`."""

    def __init__(self) -> None:
        self.task: str | None = None
        self.only: Needle | None = None
        """The filter: None shows every line."""
        self.counted: Needle | None = None
        """What is searched for: its matches are counted."""
        self.widest = 0
        """Columns of the widest line that was read."""
        self.known = False
        """Whether anything was read: until then nobody knows that the log is empty."""
        self.dropped = 0
        """Rows that were there and left at the front, in all: retention takes the oldest lines."""
        self._pages = Pages()
        self._passed: LogMatches | None = None
        """The lines that the filter lets through."""
        self._matched: LogMatches | None = None
        """Those of them that the search finds."""
        self._measured = 0
        self._first = 1
        self._starts: Sequence[tuple[int, int]] = ()

    @property
    def rows(self) -> int:
        return len(self._passed.seqs) if self._passed is not None else self.kept

    @property
    def kept(self) -> int:
        """How many lines of the log are kept, as far as is known."""
        return max(0, self._pages.end - self._first + 1)

    @property
    def first(self) -> int:
        """The number of the first line that is kept."""
        return self._first

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
        self._begin_anew()

    def take(self, part: LogPart) -> bool:
        """Pages that were read; False for another task's, and where nothing could be read."""
        if part.task != self.task or part.unread:
            return False
        self.known = True
        self._pages.end = max(self._pages.end, part.end)
        for matches in self._looked_for:
            matches.learn_end(self._pages.end)
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
            gone = [matches.forget_before(first) for matches in self._looked_for]
            self.dropped += gone[0] if self._passed is not None else first - self._first
            self._first = first
            self._pages.forget_up_to(first)

    # ---- the filter, and what is searched for

    def filter(self, needle: Needle | None, height: int) -> None:
        """Show only lines with this in them, in a view of `height` rows: at worst each of them is on another page."""
        self.only = needle
        self._pages.kept = max(KEPT, 2 * height) if needle else KEPT
        self._begin_anew()

    def count(self, needle: Needle | None) -> None:
        """Count the lines with this in them, among those that the filter lets through; None: count nothing."""
        self.counted = needle
        self._begin_anew(filtering=False)

    def take_matches(self, found: Matches) -> bool:
        """What a scan found; False where it answers another question."""
        taken = [matches.take(found, self._first) for matches in self._looked_for if found.task == self.task]
        if any(taken) and self._passed is not None:
            self._pages.end = max(self._pages.end, found.scanned)  # of lines that nobody has read some are rows now
        return any(taken)

    @property
    def unscanned(self) -> tuple[Scan, ...]:
        """What is to be looked for in lines that nobody has looked at yet."""
        task, end = self.task or "", self._pages.end
        return tuple(scan for matches in self._looked_for if (scan := matches.scan(task, end)) is not None)

    @property
    def searched(self) -> bool:
        """Whether the filter has been held against all lines there were when it was set."""
        return self._passed is None or self._passed.searched

    def match_words(self, row: int) -> str:
        """`match 3 of 17`, if this row is one, else `17 matches`; "" as long as none is known."""
        if self._matched is None or not self.rows:
            return ""
        return numbered(self._matched.seqs, self.seq(row), more=self._matched.more(self._pages.end))

    @property
    def matchless(self) -> bool:
        """Whether nothing is found by the search, wherever it looks."""
        return self._matched is not None and self._matched.searched and not self._matched.seqs

    @property
    def _looked_for(self) -> list[LogMatches]:
        """The filter's first; once where both look for the same."""
        return [matches for matches in dict.fromkeys((self._passed, self._matched)) if matches is not None]

    def _begin_anew(self, *, filtering: bool = True) -> None:
        """Nothing is known of what the search finds, nor, `filtering`, of what the filter lets through."""
        end = self._pages.end if self.known else None
        if filtering:
            self._passed = LogMatches((self.only,), end) if self.only is not None else None
        both = tuple(dict.fromkeys(needle for needle in (self.counted, self.only) if needle is not None))
        if self.counted is None:
            self._matched = None
        elif both == (self.only,):
            self._matched = self._passed  # of two that ask the same, each would take the answer to the other
        else:
            self._matched = LogMatches(both, end, MOST_COUNTED)

    # ---- rows and lines

    def seq(self, row: int) -> int:
        """The number of the line in this row."""
        return self._passed.seqs[row] if self._passed is not None else self._first + row

    def row_of(self, seq: int) -> int:
        """Where this line stands, or the next that is shown."""
        return bisect_left(self._passed.seqs, seq) if self._passed is not None else max(0, seq - self._first)

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
