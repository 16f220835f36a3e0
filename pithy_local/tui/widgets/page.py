"""A page of text to scroll in: steps, info, and whatever a dialog has to say."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from pithy_local.tui import actions
from pithy_local.tui.models import rows
from pithy_local.tui.models.rows import Row


class Page(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Shows safe text; the same text again costs nothing."""

    BINDINGS = actions.bindings(actions.Place.PAGE)

    class Left(Message):
        """The user goes back to the tasks."""

    class Resized(Message):
        """There is `room` for other lines than before: for what is laid out before it is shown."""

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown: tuple[Row, ...] = ()
        self._width = 0

    def compose(self) -> ComposeResult:
        yield Static()

    def show(self, text: Text | tuple[Row, ...]) -> None:
        """Lines that are too long go on below themselves, indented as the row says, or as its line begins.

        Who is at the end stays there when more is shown.
        """
        shown = rows.of(text) if isinstance(text, Text) else text
        if shown != self._shown:
            self._shown = shown
            at_end = 0 < self.max_scroll_y <= self.scroll_offset.y
            self._fit()
            if at_end:
                self.scroll_end(animate=False)

    def clear(self) -> None:
        """Show nothing; what comes then is seen from its top."""
        self.scroll_home(animate=False, force=True, immediate=True)
        self.show(())

    def on_resize(self) -> None:
        if self._shown and self.room != self._width:
            self._fit()
            self.post_message(self.Resized())

    @property
    def room(self) -> int:
        """Columns for text: 0 before there is a layout."""
        return self.scrollable_content_region.width

    def _fit(self) -> None:
        self._width = self.room
        width = self._width or self.app.size.width
        text = rows.wrapped(self._shown, width, self.app.console)
        shown = self.query_one(Static)
        shown.styles.height = text.plain.count("\n") + 1  # Textual keeps the height of a text shown just before
        shown.update(text)

    def action_back(self) -> None:
        self.post_message(self.Left())
