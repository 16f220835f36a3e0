"""A question before something that cannot be undone: it says what happens, and the safe answer has the focus."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from pithy_local.tui.actions import Action, Place
from pithy_local.tui.models.verbs import Question
from pithy_local.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from pithy_local.tui.typed import TypedApp


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One way to answer: its name in the table of actions, the words on its button, and how grave it is."""

    name: str
    label: str
    variant: Literal["primary", "warning", "error"] = "error"


class AskScreen(Dialog[int]):
    """Dismissed with the number of the answer. The first is the safe one: it has the focus, and no and esc give it."""

    PLACE = Place.ASK
    PROSE: ClassVar[str] = "Nothing has been done yet. Each button says what it does and which key presses it."

    def __init__(self, title: str, what: str, answers: Sequence[Answer]) -> None:
        """All of it is safe text."""
        super().__init__()
        self._title, self._what, self._answers = title, what, answers
        self.asked_at = math.inf
        """Keys that were typed before then are no answer: the dashboard drops them."""

    @property
    def actions(self) -> list[Action]:
        """Without the answers of other questions."""
        answers = {f"ask.{answer.name}" for answer in self._answers} | {"ask.no"}
        return [
            action for action in super().actions if not action.run.startswith("answer(") or action.id in answers
        ]  # fmt: skip

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            with VerticalScroll(classes="body", can_focus=False):
                yield Static(Content(self._what))
            with Horizontal(classes="foot buttons"):
                for answer in self._answers:
                    label = Content(f"{answer.label} ({self.keymap.key(f'ask.{answer.name}')})")
                    yield Button(label, id=answer.name, variant=answer.variant)

    def on_mount(self) -> None:
        self.set_focus(self.query(Button).first())
        self.asked_at = time.monotonic()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._say_whether_there_is_more)

    def _say_whether_there_is_more(self) -> None:
        more = self.query_one(".body").max_scroll_y > 0
        words = f" {self.keymap.key('ask.page-down')} shows the rest " if more else ""
        self.query_one(".dialog").border_subtitle = Content(words)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_answer(str(event.button.id))

    def action_answer(self, name: str) -> None:
        names = [answer.name for answer in self._answers]
        if name in names:
            self.dismiss(names.index(name))
        elif name == "no":
            self.dismiss(0)

    def dismiss(self, result: int | None = None) -> AwaitComplete:
        cast("TypedApp", self.app).answered_at = time.monotonic()
        return super().dismiss(result)

    def action_page_down(self) -> None:
        self.query_one(".body").scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        self.query_one(".body").scroll_page_up(animate=False)


class ConfirmScreen(AskScreen):
    """Yes or no: dismissed with 1 for yes. The key that opened the question never confirms it."""

    def __init__(self, question: Question) -> None:
        answers = [Answer(name="no", label=question.no, variant="primary"), Answer(name="yes", label=question.yes)]
        super().__init__(question.title, question.what_happens, answers)
