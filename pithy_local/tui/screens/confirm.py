"""A question before something that cannot be undone: it says what happens, and No has the focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, what a yes does and keeps, and the words on the two buttons. All of it is safe text."""

    title: str
    what_happens: str
    yes: str
    no: str


class ConfirmScreen(ModalScreen[bool]):
    """Dismissed with True for yes. `y` confirms: never the key that opened the question."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
        Binding("left,right,h,l", "app.focus_next", "Other button", show=False, id="confirm.other"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self.question.title)
            yield Static(Content(self.question.what_happens))
            with Horizontal(classes="buttons"):
                yield Button(Content(f"{self.question.no} (n)"), id="no", variant="primary")
                yield Button(Content(f"{self.question.yes} (y)"), id="yes", variant="error")

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
