"""What the doctor finds on this machine, each finding as soon as it is there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from rich.text import Text
from textual.message import Message

from pithy_local.tui.board import Board
from pithy_local.tui.models.welcome import Key
from pithy_local.tui.widgets.page import Page

if TYPE_CHECKING:
    from pithy_local.doctor import Check


class Words(Protocol):
    """Puts findings into words; `running`: more will come."""

    def __call__(self, checks: Sequence[Check], key: Key, *, running: bool) -> Text: ...


class Checkup(Page):
    """Shows nothing until `look` is called; another look starts anew."""

    class Found(Message):
        """One finding of the look with this number; None: it is done."""

        def __init__(self, look: int, check: Check | None) -> None:
            super().__init__()
            self.look, self.check = look, check

    def __init__(self, id: str, board: Board, words: Words, key: Key) -> None:  # noqa: A002
        super().__init__(id)
        self._board, self._words, self._key = board, words, key
        self._look = 0
        self._checks: list[Check] = []

    def look(self) -> None:
        """Look at this machine, from the beginning."""
        self._look += 1
        self._checks = []
        self._show(running=True)
        threading.Thread(target=self._examine, args=(self._look,), name="doctor", daemon=True).start()

    def _examine(self, look: int) -> None:
        """In the doctor's own thread, which nobody waits for: a check may take half a minute, quitting must not."""
        for check in self._board.checks():
            if look != self._look or not self.post_message(self.Found(look, check)):
                return  # somebody looks anew, or the dashboard has ended
        self.post_message(self.Found(look, None))

    def on_checkup_found(self, event: Found) -> None:
        event.stop()
        if event.look != self._look:
            return
        if event.check is not None:
            self._checks.append(event.check)
        self._show(running=event.check is not None)

    def _show(self, *, running: bool) -> None:
        self.show(self._words(self._checks, self._key, running=running))
