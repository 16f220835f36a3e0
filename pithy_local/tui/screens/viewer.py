"""One thing whole on the screen: a log line with all its characters."""

from __future__ import annotations

import json
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from pithy_local.models import LogLine
from pithy_local.text import last_segment, safe_block
from pithy_local.tui import look
from pithy_local.tui.widgets.page import Page

_WHO = {"out": "standard output", "err": "standard error", "sys": "the host"}


class LineScreen(ModalScreen[bool]):
    """Dismissed with whether the line is to be copied."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss(False)", "Back", id="line.back"),
        Binding("y", "dismiss(True)", "Copy", id="line.copy"),
    ]

    def __init__(self, line: LogLine) -> None:
        super().__init__()
        self._line = line

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = Content(f"Line {self._line.seq:,}")
            dialog.border_subtitle = Content(" y copy · esc back ")
            yield Page("line")

    def on_mount(self) -> None:
        page = self.query_one(Page)
        page.show(whole(self._line))
        page.focus()

    def on_page_left(self) -> None:
        self.dismiss(False)


def whole(line: LogLine) -> Text:
    """When, who and what; JSON laid out, progress bars as they were last."""
    shown = Text.styled(f"{datetime.fromtimestamp(line.at / 1000):%Y-%m-%d %H:%M:%S}", look.MUTED)
    shown.append(f" · attempt {line.attempt} · {_WHO[line.stream.value]}\n\n", look.MUTED)
    return shown.append(look.steady(safe_block(_laid_out(last_segment(line.text)))))


def _laid_out(text: str) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
