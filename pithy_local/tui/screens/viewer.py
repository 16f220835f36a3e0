"""One thing whole on the screen: a log line with all its characters."""

from __future__ import annotations

import json
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.text import last_segment, safe_block
from pithy_local.tui import look
from pithy_local.tui.actions import Place
from pithy_local.tui.models import rows
from pithy_local.tui.screens.dialog import Dialog
from pithy_local.tui.widgets.page import Page

ABOVE = 3
"""Lines that stand above the first match."""
_WHO = {"out": "standard output", "err": "standard error", "sys": "the host"}


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
            yield Page("line")
            yield from self.foot()

    def on_mount(self) -> None:
        page = self.query_one(Page)
        page.show(whole(self._line, self._needle))
        page.focus()
        if self._needle is not None:
            self.call_after_refresh(self._go_to_match)  # only then it is known where lines are broken

    def _go_to_match(self) -> None:
        page = self.query_one(Page)
        width = page.scrollable_content_region.width
        shown = rows.wrapped(rows.of(whole(self._line, self._needle)), width, self.app.console)
        marked = min((span.start for span in shown.spans if span.style == look.MATCH), default=0)
        page.scroll_to(y=shown.plain.count("\n", 0, marked) - ABOVE, animate=False, force=True)

    def action_copy(self) -> None:
        self.dismiss(True)

    def action_back(self) -> None:
        self.dismiss(False)


def whole(line: LogLine, needle: Needle | None = None) -> Text:
    """When, who and what; JSON laid out, progress bars as they were last, `needle` marked."""
    shown = Text.styled(f"{datetime.fromtimestamp(line.at / 1000):%Y-%m-%d %H:%M:%S}", look.MUTED)
    shown.append(f" · attempt {line.attempt} · {_WHO[line.stream.value]}\n\n", look.MUTED)
    start = len(shown)
    shown.append(look.steady(safe_block(_laid_out(last_segment(line.text)))))
    if needle is not None:
        look.highlight(shown, needle, start)
    return shown


def _laid_out(text: str) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
