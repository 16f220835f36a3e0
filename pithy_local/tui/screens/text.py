"""A dialog to write in: feedback, an answer, a note on a diff. What was written survives esc."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static, TextArea

from pithy_local.errors import PithyError
from pithy_local.text import safe_block
from pithy_local.tui import look, outside
from pithy_local.tui.actions import Place
from pithy_local.tui.models.hints import advice
from pithy_local.tui.screens.dialog import Dialog, Parts, T

LOUD = f"bold {look.RED}"


class SafeTextArea(TextArea):
    """A TextArea with `SafeInput`'s guard; lines stay lines."""

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return key == "enter" or super().check_consume_key(key, character)

    def on_paste(self, event: events.Paste) -> None:
        event.text = safe_block(event.text.replace("\r\n", "\n").replace("\r", "\n"))


class TextDialog(Dialog[T]):
    """A dialog with one text of several lines, which the user's editor can take over, and a place for complaints."""

    PLACE = Place.TEXT

    def on_key(self, event: events.Key) -> None:
        """What was typed before the dialog was there is text already."""
        field = self.focused
        if event.is_printable and isinstance(field, Input | TextArea):  # which takes it: it does not come back
            event.stop()
            field.post_message(events.Key(event.key, event.character))

    @property
    def unsent(self) -> bool:
        return bool(self.query_one(TextArea).text.strip())

    def action_editor(self) -> None:
        area = self.query_one(TextArea)
        try:
            area.text = outside.edit(self.app, area.text, self.main.board.app.env)
        except PithyError as error:
            self.complain(error)
        area.move_cursor(area.document.end)

    def complain(self, error: PithyError) -> None:
        self.say(look.line(error.message, LOUD).append("\n").append_text(look.line(advice(error, self.keymap))))

    def say(self, what: Text) -> None:
        """Say it above the keys; nothing takes back what was said."""
        problem = self.query_one(".problem", Static)
        problem.update(what)
        problem.set_class(bool(what), "-said")


class Writing(TextDialog[tuple[bool, str]]):
    """Dismissed with whether it was sent, and the text."""

    PROSE: ClassVar[str] = (
        "What you write goes to the model with the next attempt. What you wrote and did not send is there again the "
        "next time."
    )

    def __init__(self, title: str, explanation: str, text: str, *, needed: str = "") -> None:
        """`title` and `explanation` are safe text, the latter of any number of lines. `needed`: why an empty text
        cannot be sent; "" where it can."""
        super().__init__()
        self._title, self._explanation, self._text, self._needed = title, explanation, text, needed

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            with VerticalScroll(classes="body", can_focus=False):
                yield Parts("explanation", Static(Content(self._explanation)))
                yield SafeTextArea(self._text, id="text")
            yield from self.foot(Static(classes="problem"))

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        self.set_focus(area)
        area.move_cursor(area.document.end)

    def action_submit(self) -> None:
        text = self.query_one(TextArea).text
        if self._needed and not text.strip():
            self.say(look.line(self._needed, LOUD))
        else:
            self.dismiss((True, text if text.strip() else ""))

    def action_back(self) -> None:
        self.dismiss((False, self.query_one(TextArea).text))
