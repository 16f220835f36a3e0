"""A question before something that cannot be undone: it says what happens, and the safe answer has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from pithy_local.tui.models.verbs import Question

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One way to answer: the keys that give it, the words on its button, and how grave it is."""

    keys: str
    label: str
    variant: Literal["primary", "warning", "error"] = "error"


class AskScreen(ModalScreen[int]):
    """Dismissed with the number of the answer. The first is the safe one: it has the focus, and esc gives it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(0)", "Back", id="confirm.no"),
        Binding("left,h,up,k", "app.focus_previous", "Other button", show=False, id="confirm.previous"),
        Binding("right,l,down,j", "app.focus_next", "Other button", show=False, id="confirm.next"),
    ]

    def __init__(self, title: str, what: str, answers: Sequence[Answer]) -> None:
        """All of it is safe text."""
        super().__init__()
        self._title, self._what, self._answers = title, what, answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Static(Content(self._what))
            with Horizontal(classes="buttons"):
                for number, answer in enumerate(self._answers):
                    label = Content(f"{answer.label} ({answer.keys.split(',')[0]})")
                    yield Button(label, id=f"answer{number}", variant=answer.variant)

    def on_mount(self) -> None:
        self.query_one("#answer0").focus()

    def on_key(self, event: events.Key) -> None:
        for number, answer in enumerate(self._answers):
            if event.key in answer.keys.split(","):
                event.stop()
                self.dismiss(number)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(int(str(event.button.id).removeprefix("answer")))

    def action_answer(self, number: int) -> None:
        self.dismiss(number)


class ConfirmScreen(AskScreen):
    """Yes or no: dismissed with 1 for yes. `y` confirms, never the key that opened the question."""

    def __init__(self, question: Question) -> None:
        answers = [Answer(keys="n", label=question.no, variant="primary"), Answer(keys="y", label=question.yes)]
        super().__init__(question.title, question.what_happens, answers)
