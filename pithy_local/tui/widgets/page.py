"""A page of text to scroll in: the steps and the info."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from pithy_local.tui import actions


class Page(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Shows safe text; the same text again costs nothing."""

    BINDINGS = actions.bindings(actions.Place.PAGE)

    class Left(Message):
        """The user goes back to the tasks."""

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown: Text | None = None

    def compose(self) -> ComposeResult:
        yield Static()

    def show(self, text: Text, *, from_top: bool = False) -> None:
        if text != self._shown:
            self._shown = text
            self.query_one(Static).update(text)
        if from_top:
            self.scroll_home(animate=False)

    def action_back(self) -> None:
        self.post_message(self.Left())
