"""One thing whole on the screen: a log line with all its characters."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.tui.actions import Place
from pithy_local.tui.models.wholeline import WholeLine
from pithy_local.tui.screens.dialog import Dialog
from pithy_local.tui.widgets.whole_line import WholeLineView


class LineScreen(Dialog[bool]):
    """Dismissed with whether the line is to be copied."""

    PLACE = Place.LINE
    PROSE: ClassVar[str] = "One line of the log with all its characters, which the log cuts. JSON is laid out."

    def __init__(self, line: LogLine, needle: Needle | None = None) -> None:
        super().__init__()
        self._line, self._needle = line, needle

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Line {self._line.seq:,}")
            yield WholeLineView("line", WholeLine(self._line, self._needle))
            yield from self.foot()

    def on_mount(self) -> None:
        self.query_one(WholeLineView).focus()

    def action_copy(self) -> None:
        self.dismiss(True)

    def action_back(self) -> None:
        self.dismiss(False)
