"""A log line with all its characters, however many: scrolled as a page, of which the rows in view alone are drawn."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size

from pithy_local.tui import actions
from pithy_local.tui.models.wholeline import WholeLine
from pithy_local.tui.widgets.lines import LineView
from pithy_local.tui.widgets.page import Page

ABOVE = 3
"""Rows that stand above the first match."""


class WholeLineView(LineView, inherit_bindings=False):
    """Begins at the first match, if there is one. It has no cursor."""

    BINDINGS = actions.bindings(actions.Place.PAGE)

    def __init__(self, id: str, line: WholeLine) -> None:  # noqa: A002
        super().__init__(id)
        self._line = line
        self._begun = False

    @property
    def rows(self) -> int:
        return len(self._line)

    def draw(self, row: int, width: int) -> Text:
        return self._line.row(row)

    def background_of(self, row: int) -> Style:
        return Style.null()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        self._line.fit(width - self.styles.scrollbar_size_vertical)  # always there: else it would be laid out twice
        return self.rows

    def on_resize(self, event: events.Resize) -> None:
        width = self.scrollable_content_region.width
        self._line.fit(width)
        self.resize_to(width)
        match = None if self._begun else self._line.first_match()
        self._begun = True
        if match is not None:
            self.jump(match - ABOVE)

    def action_scroll_down(self) -> None:
        self.jump(self.scroll_offset.y + 1)

    def action_scroll_up(self) -> None:
        self.jump(self.scroll_offset.y - 1)

    def action_page_down(self) -> None:
        self.jump(self.scroll_offset.y + max(1, self.view_height - 1))

    def action_page_up(self) -> None:
        self.jump(self.scroll_offset.y - max(1, self.view_height - 1))

    def action_scroll_home(self) -> None:
        self.jump(0)

    def action_scroll_end(self) -> None:
        self.jump(self.rows)

    def action_back(self) -> None:
        self.post_message(Page.Left())
