"""A short menu: each line has a letter of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from pithy_local.text import clip
from pithy_local.tui import look

SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One line of the menu; `about` is untrusted text."""

    key: str
    label: str
    about: str = ""


class ChoiceScreen(ModalScreen[int | None]):
    """Dismissed with the number of the choice, None for none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Back", id="choice.back")]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title, self._choices = title, choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = Content(self._title)
            dialog.border_subtitle = Content(" esc back ")
            yield OptionList(*(Option(_prompt(choice)) for choice in self._choices))

    def on_key(self, event: events.Key) -> None:
        keys = [choice.key for choice in self._choices]
        if event.character in keys:
            event.stop()
            self.dismiss(keys.index(event.character))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)


def _prompt(choice: Choice) -> Content:
    about = clip(look.line(choice.about).plain, SHOWN)
    return Content.assemble((f" {choice.key} ", "bold $accent"), f" {choice.label:<14}", (about, "dim"))
