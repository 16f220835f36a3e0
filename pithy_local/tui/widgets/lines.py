"""A view over any number of rows: it asks for the few it draws and costs the same for ten and for a million.

Textual's own Log, RichLog and DataTable hold every row and write what they are given to the terminal; subclasses here
draw safe text only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from pithy_local.tui import actions

MOST_COPIED = 10_000
"""Rows that a selection takes."""
MORE = "»"
"""Stands at the right edge of a row that goes on."""


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """Subclasses say how many `rows` there are and `draw` one; `cursor` is the row that keys act on (from 0)."""

    BINDINGS = actions.bindings(actions.Place.LINES)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor", "lines--marked"}

    class CursorMoved(Message):
        """The cursor is on another row now."""

        def __init__(self, view: LineView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LineView:
            return self.view

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.cursor = 0
        self.base = Style.null()
        """The colours of a row without a cursor or a mark."""
        self._going = False
        """The cursor moves and takes the view along: nobody scrolls."""

    # ---- what a subclass says

    @property
    def rows(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def draw(self, row: int, width: int) -> Text | None:
        """One row as safe text, None while it is not known yet. It may be longer than `width`."""
        raise NotImplementedError

    def fixed(self, row: int) -> int:
        """How many columns at the left stay in place when the view is scrolled sideways."""
        return 0

    def on_open(self) -> None:
        """The row under the cursor was clicked twice."""

    # ---- moving

    @property
    def allow_horizontal_scroll(self) -> bool:
        """Without a bar, too: the wheel and the keys do it."""
        return True

    @property
    def view_height(self) -> int:
        return self.scrollable_content_region.height

    def go(self, row: int, *, center: bool = False) -> None:
        """Put the cursor on this row, or the nearest there is, and bring it into view."""
        row = max(0, min(row, self.rows - 1))
        before, self.cursor = self.cursor, row
        self.show_row(row, center=center)
        if before != row:
            self.refresh_row(before)
            self.refresh_row(row)
            self.post_message(self.CursorMoved(self))

    def show_row(self, row: int, *, center: bool = False) -> None:
        """Scroll as little as it takes to have this row in view."""
        top, height = self.scroll_offset.y, max(1, self.view_height)
        if center and not top <= row < top + height:
            self.jump(row - height // 3)
        elif row < top:
            self.jump(row)
        elif row >= top + height:
            self.jump(row - height + 1)

    @contextmanager
    def _taking_along(self) -> Iterator[None]:
        self._going = True
        try:
            yield
        finally:
            self._going = False

    def show_columns(self, begin: int, end: int) -> None:
        """Scroll sideways as little as it takes to have these columns in view, and to the very left where that does."""
        left, width = self.scroll_offset.x, self.scrollable_content_region.width - len(MORE)
        if end <= width:
            left = 0
        elif not left <= begin <= end <= left + width:
            left = max(0, begin - width // 3)
        self.scroll_to(x=left, animate=False, force=True)

    def refresh_row(self, row: int) -> None:
        """Draw one row anew; where that scrolls, Textual draws all of them by itself."""
        self.refresh(Region(0, row - self.scroll_offset.y, self.outer_size.width, 1))

    def jump(self, y: int) -> None:
        """Scroll so that this row is on top, at once: also before there is a scroll bar."""
        self.scroll_to(y=y, animate=False, force=True)

    def resize_to(self, width: int, *, below: int = 0) -> None:
        """There are other rows now; the widest takes `width` columns. `below`: lines to scroll past the last one."""
        size = Size(width, self.rows + below)
        if size != self.virtual_size:
            # the setter would lay out the whole screen anew, for each line that a log grows by
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        self.cursor = max(0, min(self.cursor, self.rows - 1))
        self.refresh()

    def action_cursor_down(self) -> None:
        self.go(self.cursor + 1)

    def action_cursor_up(self) -> None:
        self.go(self.cursor - 1)

    def action_page_down(self) -> None:
        self.go(self.cursor + max(1, self.view_height - 1))

    def action_page_up(self) -> None:
        self.go(self.cursor - max(1, self.view_height - 1))

    def action_top(self) -> None:
        self.go(0)
        self.scroll_to(x=0, animate=False, force=True)

    def action_bottom(self) -> None:
        self.go(self.rows - 1)

    def action_right(self) -> None:
        self.scroll_to(x=self.scroll_offset.x + max(8, self.size.width // 3), animate=False, force=True)

    def action_left(self) -> None:
        self.scroll_to(x=self.scroll_offset.x - max(8, self.size.width // 3), animate=False, force=True)

    def row_at(self, y: int) -> int | None:
        """The row that is drawn `y` lines below the top of this widget."""
        row = self.scroll_offset.y + y
        return row if 0 <= row < self.rows else None

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event.get_content_offset_capture(self).y)
        if row is None:
            return
        self.go(row)
        if event.chain == 2:
            self.on_open()

    # ---- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        self.base = self.rich_style  # costs half a millisecond: once a frame, not once a row
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        row = self.row_at(y)
        if row is None:
            return Strip.blank(width, self.base)
        return self.paint(row, self.draw(row, width), width)

    def paint(self, row: int, text: Text | None, width: int, start: int = 0) -> Strip:
        """A row's text as it is on the screen: scrolled sideways, with the cursor's or a mark's background.

        `start`: how many characters of the row stand in lines above this one.
        """
        base = self.base
        if text is None:
            return Strip([Segment(" ·", base + Style(dim=True))]).extend_cell_length(width, base)
        left, fixed = self.scroll_offset.x, min(self.fixed(row), width)
        style = base + self.background_of(row)
        self._mark_selected(row, text, start)
        strip = Strip(text.render(self.app.console)).apply_style(style).apply_offsets(start, row)
        if left and fixed:
            strip = Strip.join([strip.crop_extend(0, fixed, style), strip.crop(fixed + left)])
            left = 0
        if width > 2 and strip.cell_length > left + width:
            more = Strip([Segment(MORE, style + Style(color="cyan", bold=True))])
            return Strip.join([strip.crop_extend(left, left + width - 1, style), more])
        return strip.crop_extend(left, left + width, style)

    def _mark_selected(self, row: int, text: Text, start: int) -> None:
        """What the mouse has selected of a row."""
        span = self.text_selection.get_span(row) if self.text_selection is not None else None
        if span is not None:
            end = len(text) if span[1] == -1 else span[1] - start
            text.stylize(
                self.screen.get_component_rich_style("screen--selection"), max(0, span[0] - start), max(0, end)
            )

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What ctrl+c copies: the selected part of each row, as it is shown."""
        first = selection.start.y if selection.start is not None else 0
        last = selection.end.y if selection.end is not None else self.rows - 1
        lines = []
        for row in range(first, min(last, self.rows - 1, first + MOST_COPIED) + 1):
            span, text = selection.get_span(row), self.draw(row, self.scrollable_content_region.width)
            if span is not None and text is not None:
                lines.append(text.plain[span[0] : None if span[1] == -1 else span[1]].rstrip())
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def background_of(self, row: int) -> Style:
        """The cursor's where it stands, as long as this view has the focus."""
        if row == self.cursor and self.has_focus:
            return self.get_component_rich_style("lines--cursor", partial=True)
        return Style.null()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
