"""Fields that take no escape sequence from the clipboard: Textual would hand it to the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.suggester import SuggestFromList
from textual.widgets import Input

from pithy_local.text import safe_line


class SafeInput(Input):
    """An Input of one safe line."""

    def on_paste(self, event: events.Paste) -> None:
        event.text = safe_line(event.text)  # Textual calls Input's own handler next, with this event


class ChoiceInput(SafeInput):
    """Suggests what was used before while you type; up and down go through it."""

    def __init__(self, value: str, choices: Sequence[str], *, id: str, placeholder: str) -> None:  # noqa: A002
        super().__init__(
            value=value, id=id, placeholder=placeholder, compact=True,
            suggester=SuggestFromList(choices, case_sensitive=False),
        )  # fmt: skip
        self._choices = list(choices)

    def _goes_through(self, key: str) -> bool:
        return key in ("up", "down") and bool(self._choices)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return self._goes_through(key) or super().check_consume_key(key, character)

    def on_key(self, event: events.Key) -> None:
        if not self._goes_through(event.key):
            return
        event.stop()
        step = 1 if event.key == "down" else -1
        at = self._choices.index(self.value) + step if self.value in self._choices else 0
        self.value = self._choices[at % len(self._choices)]
        self.cursor_position = len(self.value)
