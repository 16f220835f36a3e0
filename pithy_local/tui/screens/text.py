"""A dialog to write in: feedback, an answer, a note on a diff. What was written survives esc."""

from __future__ import annotations

import os
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from pithy_local.errors import PithyError
from pithy_local.text import safe_block, safe_line
from pithy_local.tui import actions, outside
from pithy_local.tui.actions import Place
from pithy_local.tui.widgets.bars import HintBar

HEIGHTS: list[tuple[int, str]] | None = [(0, "-low"), (30, "-high")]


class SafeTextArea(TextArea):
    """A TextArea with `SafeInput`'s guard; lines stay lines."""

    def on_paste(self, event: events.Paste) -> None:
        event.text = safe_block(event.text.replace("\r\n", "\n").replace("\r", "\n"))


class Writing(ModalScreen[tuple[bool, str]]):
    """Dismissed with whether it was sent, and the text."""

    BINDINGS = actions.bindings(Place.TEXT)
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, title: str, explanation: str, text: str, placeholder: str = "") -> None:
        """`title` and `explanation` are safe text."""
        super().__init__()
        self._title, self._explanation, self._text, self._placeholder = title, explanation, text, placeholder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = Content(self._title)
            yield Static(Content(self._explanation), classes="explanation")
            yield SafeTextArea(self._text, id="text", placeholder=self._placeholder)
            yield HintBar("text-hints")

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.focus()
        area.move_cursor(area.document.end)
        show_hints(self)

    def action_submit(self) -> None:
        self.dismiss((True, self.query_one(TextArea).text))

    def action_back(self) -> None:
        self.dismiss((False, self.query_one(TextArea).text))

    def action_editor(self) -> None:
        edit_in_place(self, self.query_one(TextArea))

    async def action_press(self, action_id: str) -> None:
        await self.app.run_action(actions.BY_ID[action_id].run, self)


def show_hints(screen: ModalScreen[Any]) -> None:
    """What the keys of a dialog to write in do."""
    screen.query_one(HintBar).show([action for action in actions.at(Place.TEXT) if action.hint])


def edit_in_place(screen: ModalScreen[Any], area: TextArea) -> None:
    """The user's editor over this text."""
    try:
        area.text = outside.edit(screen.app, area.text, os.environ)
    except PithyError as error:
        screen.app.notify(safe_line(f"{error.message}. {error.hint}"), severity="error", markup=False)
    area.move_cursor(area.document.end)
