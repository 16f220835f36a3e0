"""The live log: a window over the database that follows the end until the user looks up.

Textual's own Log and RichLog hold every line and write what they are given to the terminal; this view holds a few
pages and draws safe text only.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pithy_local.tui import actions, look
from pithy_local.tui.board import PAGE, LogPart
from pithy_local.tui.widgets.pages import Pages

MORE = "»"
"""Stands at the right edge of a line that goes on."""


class LogView(ScrollView, can_focus=True):
    """Lines of one task's log; `following` keeps the newest in view. New lines never move a paused view."""

    BINDINGS = actions.bindings(actions.Place.LOG)

    class PageWanted(Message):
        """A line is in view whose page is not in memory."""

        def __init__(self, task: str, page: int) -> None:
            super().__init__()
            self.task, self.page = task, page

    class BadgeChanged(Message):
        """`badge` says something else now."""

    class Left(Message):
        """The user goes back to the tasks."""

    def __init__(self) -> None:
        super().__init__(id="log")
        self.shown: str | None = None
        self.following = True
        self._pages = Pages()
        self._seen = 0
        self._widest = 0
        self._asked: set[int] = set()

    @property
    def end(self) -> int:
        """How many lines the log has, as far as this view knows."""
        return self._pages.end

    @property
    def new_lines(self) -> int:
        """Lines that came in since the view was paused."""
        return 0 if self.following else self.end - self._seen

    @property
    def badge(self) -> Content:
        """Whether the view follows, or how much it has not shown."""
        if self.following:
            return Content.styled("FOLLOW ▼", "bold")
        return Content.styled(f"PAUSED  +{self.new_lines} new ▼ ", "bold").append("f follows")

    def on_mount(self) -> None:
        self._show_badge()

    def show(self, task: str | None) -> None:
        """Turn to another task, at its end and following."""
        if task == self.shown:
            return
        self.shown = task
        self._pages.clear()
        self._asked.clear()
        self._widest = 0
        self.following = True
        self.virtual_size = Size(0, 0)
        self.scroll_to(0, 0, animate=False)
        self._show_badge()
        self.refresh()

    def take(self, part: LogPart) -> None:
        """Pages that were read; those of a task that is no longer shown are dropped."""
        if part.task != self.shown:
            return
        self._asked -= part.pages.keys()
        for page, lines in part.pages.items():
            self._pages.put(page, lines)
            self._widest = max([self._widest, *map(look.log_line_width, lines)])
        self._pages.end = max(self._pages.end, part.end)
        self.virtual_size = Size(self._widest, self._pages.end)
        if self.following:
            self._to_end()
        self._show_badge()
        self.refresh()

    def stale_pages(self) -> int:
        """How many of the newest pages a reader should bring along: none while the view is paused."""
        return 2 if self.following else 0

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self._to_end()
        self._show_badge()
        self.refresh()

    def pause(self) -> None:
        """Stay at these lines, whatever comes."""
        self.following = False
        self._seen = self.end
        self._show_badge()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Every way to scroll ends here: keys, wheel, scroll bar. Up pauses; down to the very end follows again."""
        super().watch_scroll_y(old_value, new_value)
        at_end = new_value >= self.max_scroll_y
        if self.following and new_value < old_value and not at_end:
            self.pause()
        elif not self.following and new_value > old_value and at_end:
            self.following = True  # no scrolling in here: Textual may be in the middle of an animation
            self._show_badge()

    def on_resize(self, event: events.Resize) -> None:
        if self.following:
            self._to_end()

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        left, top = self.scroll_offset
        row = top + y
        if row == self.end == 0 and self.shown is not None:
            return Strip([Segment("  The log is empty.", base + Style(dim=True))]).adjust_cell_length(width, base)
        if row >= self.end:
            return Strip.blank(width, base)
        line = self._pages.line(row)
        if line is None:
            self._want(row // PAGE)
            return Strip([Segment(" ·", base + Style(dim=True))]).extend_cell_length(width, base)
        return self._strip(look.log_line(line), left, width, base)

    def _strip(self, text: Text, left: int, width: int, base: Style) -> Strip:
        strip = Strip(text.render(self.app.console)).apply_style(base)
        if cell_len(text.plain) > left + width and width > 2:
            more = Strip([Segment(MORE, base + Style(color="cyan", bold=True))])
            return Strip.join([strip.crop_extend(left, left + width - 1, base), more])
        return strip.crop_extend(left, left + width, base)

    def _want(self, page: int) -> None:
        if page not in self._asked and self.shown is not None:
            self._asked.add(page)
            self.post_message(self.PageWanted(self.shown, page))

    def _to_end(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)  # also before there is a scroll bar

    def _show_badge(self) -> None:
        self.post_message(self.BadgeChanged())
