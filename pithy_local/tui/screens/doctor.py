"""What the doctor finds on this machine, at any time."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from pithy_local.tui.actions import Place
from pithy_local.tui.board import Board
from pithy_local.tui.models.welcome import findings
from pithy_local.tui.screens.dialog import Dialog
from pithy_local.tui.widgets.checkup import Checkup


class DoctorScreen(Dialog[None]):
    """Looks at once, and again on a key: what was mended meanwhile is well then."""

    PLACE = Place.DOCTOR
    PROSE: ClassVar[str] = "What `pithy-local doctor` finds: what stops tasks from running here, and what helps."

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog full") as dialog:
            dialog.border_title = Content("Doctor")
            yield Checkup("checkup", self._board, findings, self.keymap.key)
            yield from self.foot()

    def on_mount(self) -> None:
        self.query_one(Checkup).focus()
        self.action_look_again()

    def action_look_again(self) -> None:
        self.query_one(Checkup).look()
