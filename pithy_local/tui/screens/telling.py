"""Work in threads, one of a kind at a time, and words on what became of it: no disk and no network stops a key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from textual import work
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from pithy_local.errors import PithyError
from pithy_local.text import safe_line
from pithy_local.tui.board import Board

T = TypeVar("T")
WORD_SECONDS = 2.0
"""What takes longer is said to be under way."""


class TellingScreen(Screen[None]):
    """Subclasses say what is to be done, and what to do with what came of it."""

    class Told(Message):
        """Something to tell the user from a thread."""

        def __init__(self, text: str, severity: SeverityLevel = "information") -> None:
            super().__init__()
            self.text, self.severity = text, severity

    class Ended(Message):
        """The work with this name is over; `then` goes on from there."""

        def __init__(self, name: str, then: Callable[[], None]) -> None:
            super().__init__()
            self.name, self.then = name, then

    def __init__(self, board: Board) -> None:
        super().__init__()
        self.board = board
        self._under_way: dict[str, Timer] = {}

    def tell(self, text: str, severity: SeverityLevel = "information") -> None:
        self.app.notify(safe_line(text), severity=severity, markup=False)

    def complain(self, error: PithyError) -> None:
        self.tell(f"{error.message}. {error.hint}", "error")

    def in_thread(
        self, name: str, call: Callable[[], T], then: Callable[[T], None],
        failed: Callable[[PithyError], None] | None = None,
    ) -> bool:  # fmt: skip
        """Call it in a thread, then `then` with what it returned, or `failed` with why it could not: else that is told.

        `name` is what the user calls it. While it is under way the same is not begun again: then False.
        """
        if name in self._under_way:
            self.tell(f"{name}: still under way", "warning")
            return False
        self._under_way[name] = self.set_timer(WORD_SECONDS, lambda: self.tell(f"{name}: still under way"))
        self._call(name, call, then, failed or self.complain)
        return True

    @work(thread=True, group="doing")
    def _call(
        self, name: str, call: Callable[[], T], then: Callable[[T], None], failed: Callable[[PithyError], None]
    ) -> None:
        try:
            with self.board.in_words():
                end = partial(then, call())
        except PithyError as error:
            end = partial(failed, error)
        self.post_message(self.Ended(name, end))

    def on_telling_screen_ended(self, event: Ended) -> None:
        self._under_way.pop(event.name).stop()
        event.then()

    def on_telling_screen_told(self, event: Told) -> None:
        self.tell(event.text, event.severity)
