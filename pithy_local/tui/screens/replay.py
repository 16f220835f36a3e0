"""An attempt is run again from its recorded replies: how it goes, and whether the same comes of it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.tui import look
from pithy_local.tui.actions import Place
from pithy_local.tui.board import Board
from pithy_local.tui.models.hints import told
from pithy_local.tui.replaying import Replay
from pithy_local.tui.screens.dialog import Dialog
from pithy_local.tui.widgets.page import Page

KEPT = 1_000
"""Lines that are shown of what is said."""


class ReplayScreen(Dialog[None]):
    """Begins at once; leaving it, and leaving the dashboard, stops a replay that still runs."""

    PLACE = Place.REPLAY
    PROSE: ClassVar[str] = (
        "The attempt is run again with the replies that were recorded: no tokens are spent, nothing is pushed."
    )

    class Said(Message):
        """One more line of how it goes; `last`: it has ended."""

        def __init__(self, line: Text, *, last: bool = False) -> None:
            super().__init__()
            self.line, self.last = line, last

    def __init__(self, board: Board, task: Task) -> None:
        super().__init__()
        self._board, self._of = board, task
        self._again = Replay(board.app, task.id)
        self._lines: list[Text] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog full") as dialog:
            dialog.border_title = Content(f"Replay of {self._of.id}")
            yield Page("replay")
            yield from self.foot()

    def on_mount(self) -> None:
        self.query_one(Page).focus()
        self._replay()

    def on_unmount(self) -> None:
        self._again.stop()

    @work(thread=True, group="replay")
    def _replay(self) -> None:
        def say(text: str) -> None:
            self.post_message(self.Said(look.line(look.in_words(text))))

        try:
            with self._board.in_words():
                outcome = self._again.run(say)
        except PithyError as error:
            said = look.line(f"✗ {told(error, self.keymap)}", look.RED)
        else:
            if outcome is None:
                return
            glyph, style = ("✓", "green") if outcome.same else ("✗", look.RED)
            said = look.line(f"{glyph} {outcome.words}", f"bold {style}")
        self.post_message(self.Said(said, last=True))

    def on_replay_screen_said(self, event: Said) -> None:
        self._lines = [*self._lines, event.line][-KEPT:]
        going_on = [] if event.last else [look.piece("Replaying …", look.MUTED)]
        page = self.query_one(Page)
        page.show(Text("\n").join([*self._lines, *going_on]))
        page.scroll_end(animate=False)
