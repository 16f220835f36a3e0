"""The lines of a log on the screen: asked for when they come into view, cut at the edge or wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.text import Text
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.tui import look
from pithy_local.tui.models import wrapping
from pithy_local.tui.models.logwindow import LogWindow
from pithy_local.tui.models.pages import page_of
from pithy_local.tui.widgets.lines import LineView

LINES_KEPT = 512
"""Lines of which it is remembered how they look: to draw one costs a tenth of a millisecond."""


class LogLines(LineView):
    """Draws a `LogWindow`. `needle` is marked wherever it stands."""

    wrap: reactive[bool] = reactive(False)
    times: reactive[bool] = reactive(False)

    class PagesWanted(Message):
        """Lines are in view whose pages are not in memory."""

        def __init__(self, task: str, pages: Sequence[int]) -> None:
            super().__init__()
            self.task, self.pages = task, pages

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id)
        self.window = LogWindow()
        self.needle: Needle | None = None
        self._asked: set[int] = set()
        self._wanted: set[int] = set()
        self._drawn = lru_cache(LINES_KEPT)(_drawn)
        self._broken = lru_cache(LINES_KEPT)(_broken)
        self._frame: list[wrapping.Place] | None = None
        """What stands in view, while it is drawn."""

    @property
    def rows(self) -> int:
        return self.window.rows

    @property
    def current(self) -> LogLine | None:
        """The line under the cursor, if it is in memory."""
        return self.window.line(self.cursor)

    @property
    def marked_needle(self) -> Needle | None:
        """The text that is marked: what is searched for, else what the filter lets through."""
        return self.needle or self.window.only

    # ---- what is drawn

    def draw(self, row: int, width: int) -> Text | None:
        line = self._line(row)
        if line is None:
            return None
        return self._drawn(line, self.marked_needle, self.times, self.window.begins(row), width).copy()

    def _line(self, row: int) -> LogLine | None:
        """The line in this row; it is asked for where it must be read first."""
        line = self.window.line(row)
        if line is None:
            self._want(page_of(self.window.seq(row)))
        return line

    def render_lines(self, crop: Region) -> list[Strip]:
        self._frame = self._placed() if self.wrap else None  # once a frame, not once a line
        try:
            return super().render_lines(crop)
        finally:
            self._frame = None

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if self.rows == y == 0 and self.window.task is not None:
            return self.paint(-1, Text(self._nothing(), look.MUTED), width)
        place = self._place(y)
        if place is None:
            return Strip.blank(width, self.base)
        row, part = place
        if not self.wrap:
            return self.paint(row, self.draw(row, width), width)
        pieces = self._wrapped(row)
        return self.paint(row, pieces[part].copy(), width, start=sum(map(len, pieces[:part])))

    def _nothing(self) -> str:
        if not self.window.known:
            return "  Reading…"
        if self.window.only is None:
            return "  The log is empty."
        return "  No line has this text; esc shows all of them." if self.window.searched else "  Searching…"

    # ---- pages

    def forget_asked(self) -> None:
        """Another log is shown: what was asked for is of no use."""
        self._asked.clear()
        self._wanted.clear()

    def got(self, pages: Sequence[int]) -> None:
        """These were read, or could not be: they may be asked for again."""
        self._asked -= {*pages}

    def _want(self, page: int) -> None:
        """Ask for this page, together with all others that the same frame misses."""
        if page in self._asked or self.window.task is None:
            return
        if not self._wanted:
            self.call_later(self._ask)
        self._wanted.add(page)

    def _ask(self) -> None:
        if self._wanted and self.window.task is not None:
            self._asked |= self._wanted
            self.post_message(self.PagesWanted(self.window.task, sorted(self._wanted)))
            self._wanted.clear()

    # ---- where each row stands

    def lay_out(self) -> None:
        """Bring the scroll range up to date: with wrapped lines it ends where the last ones fill the view."""
        if not self.wrap:
            border = look.BORDER_WIDTH if self.window.attempts > 1 else 0
            self.resize_to(self.window.widest + border + (look.TIME_WIDTH if self.times else 0))
            return
        placed = wrapping.place_up_to(self.rows - 1, self.view_height, self._parts_of)
        fit = placed[-1][0] - placed[0][0] + 1 if placed else self.view_height
        self.resize_to(0, below=max(0, self.view_height - fit))

    @property
    def in_view(self) -> range:
        """The rows of which there is something to be seen."""
        if not self.wrap:
            top = self.scroll_offset.y
            return range(top, min(top + self.view_height, self.rows))
        placed = self._placed()
        return range(placed[0][0], placed[-1][0] + 1) if placed else range(0)

    def row_at(self, y: int) -> int | None:
        place = self._place(y)
        return place[0] if place else None

    def show_row(self, row: int, *, center: bool = False) -> None:
        if not self.wrap:
            super().show_row(row, center=center)
        elif row <= self.scroll_offset.y:
            self.jump(row)
        elif (row, self._parts_of(row) - 1) not in self._placed():
            self.jump(min(row, self._top_of(row)))

    def _top_of(self, row: int) -> int:
        """The row on top where this one is the last that is in view whole."""
        placed = wrapping.place_up_to(row, self.view_height, self._parts_of)
        first, part = placed[0] if placed else (row, 0)
        return first + 1 if part else first

    def action_page_down(self) -> None:
        """Wrapped: the last row in view, which may go on below, is the first one then."""
        view = self.in_view
        if not self.wrap or not view or view[-1] >= self.rows - 1:
            super().action_page_down()
            return
        row = max(view[-1], view[0] + 1)
        self.jump(row)
        self.go(row)

    def action_page_up(self) -> None:
        """Wrapped: the first row in view is the last one then."""
        view = self.in_view
        if not self.wrap or not view:
            super().action_page_up()
            return
        row = min(self._top_of(view[0]), max(0, view[0] - 1))
        self.jump(row)
        self.go(row)

    def refresh_row(self, row: int) -> None:
        if self.wrap:
            self.refresh()  # it may take several lines
        else:
            super().refresh_row(row)

    def _place(self, y: int) -> wrapping.Place | None:
        if not self.wrap:
            row = self.scroll_offset.y + y
            return (row, 0) if 0 <= row < self.rows else None
        placed = self._placed()
        return placed[y] if 0 <= y < len(placed) else None

    def _placed(self) -> list[wrapping.Place]:
        """What stands in view, line by line: at the very end the last line is at the bottom."""
        if self._frame is not None:
            return self._frame
        if self.scroll_offset.y >= self.max_scroll_y > 0:
            return wrapping.place_up_to(self.rows - 1, self.view_height, self._parts_of)
        return wrapping.place_from(self.scroll_offset.y, self.rows, self.view_height, self._parts_of)

    def _parts_of(self, row: int) -> int:
        """How many lines of the view a row takes."""
        return len(self._wrapped(row))

    def _wrapped(self, row: int) -> Sequence[Text]:
        """A row in lines of the view: never all of it, so that one can scroll past it."""
        line = self._line(row)
        if line is None:
            return [Text(" ·", look.MUTED)]
        width, most = self.scrollable_content_region.width, max(1, self.view_height - 1)
        return self._broken(line, self.marked_needle, self.times, self.window.begins(row), width, most)


def _drawn(line: LogLine, needle: Needle | None, times: bool, begins: int, width: int) -> Text:
    """A line as the view shows it; where an attempt begins, a rule fills the rest of it."""
    text = look.log_line(line, needle=needle, times=times, begins=begins)
    room = width - text.cell_len
    return text.append(" " + "━" * (room - 1), look.BORDER) if begins and room > 1 else text


def _broken(line: LogLine, needle: Needle | None, times: bool, begins: int, width: int, most: int) -> list[Text]:
    return wrapping.parts(_drawn(line, needle, times, begins, width), width, most)
