"""Work in threads, one of a kind at a time, and words on what became of it: no disk and no network stops a key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from pithy_local.errors import PithyError
from pithy_local.text import safe_line
from pithy_local.tui.board import Board
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models.hints import told

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

    def __init__(self, board: Board, keymap: Keymap) -> None:
        super().__init__()
        self.board, self.keymap = board, keymap
        self._begun: dict[str, Timer] = {}
        """What nobody may begin again: it is not done, or its end is not told yet."""

    def tell(self, text: str, severity: SeverityLevel = "information") -> None:
        """`text` need not be safe."""
        self.app.notify(safe_line(text), severity=severity, markup=False)

    def complain(self, error: PithyError) -> None:
        self.tell(told(error, self.keymap), "error")

    def in_thread(
        self, name: str, call: Callable[[], T], then: Callable[[T], None],
        failed: Callable[[PithyError], None] | None = None,
    ) -> bool:  # fmt: skip
        """Call it in a thread, then `then` with what it returned, or `failed` with why it could not: else that is told.

        `name` is what the user calls it. While it is under way the same is not begun again: then False.
        """
        if name in self._begun:
            self.tell(f"{name}: still under way", "warning")
            return False
        self._begun[name] = self.set_timer(WORD_SECONDS, lambda: self.tell(f"{name}: still under way"))
        self.board.under_way.begin(name, partial(self._call, name, call, then, failed or self.complain))
        return True

    def _call(
        self, name: str, call: Callable[[], T], then: Callable[[T], None], failed: Callable[[PithyError], None]
    ) -> PithyError | None:
        """In a thread; what went wrong."""
        try:
            with self.board.in_words():
                end = partial(then, call())
        except PithyError as error:
            self.post_message(self.Ended(name, partial(failed, error)))
            return error
        self.post_message(self.Ended(name, end))
        return None

    def on_telling_screen_ended(self, event: Ended) -> None:
        self._begun.pop(event.name).stop()
        event.then()

    def on_telling_screen_told(self, event: Told) -> None:
        self.tell(event.text, event.severity)
