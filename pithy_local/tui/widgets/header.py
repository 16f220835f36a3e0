"""The lines above the tabs: as many as the style sheet gives them, so that nothing below ever moves."""

from __future__ import annotations

from textual.widgets import Static

from pithy_local.tui import look
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models.header import header
from pithy_local.tui.records import Entry


class Header(Static):
    """How the selected task stands, fitted into the room there is."""

    def __init__(self, keymap: Keymap) -> None:
        super().__init__(id="header")
        self._keymap = keymap
        self._entry: Entry | None = None
        self._now_ms = 0
        self._drawn: object = None

    def show(self, entry: Entry | None, now_ms: int) -> None:
        """Bring it up to date with this task."""
        self._entry, self._now_ms = entry, now_ms
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width, lines = self.content_size
        if not width:
            return  # not laid out yet, or hidden
        nothing = f"No task passes the filter: {self._keymap.key('tasks.clear')} shows all."
        words = look.line(nothing, look.MUTED)
        if self._entry is not None:
            words = header(
                self._entry, self._now_ms, lines=lines, width=width, console=self.app.console, keymap=self._keymap
            )  # fmt: skip
        if words != self._drawn:
            self._drawn = words
            self.update(words, layout=False)
