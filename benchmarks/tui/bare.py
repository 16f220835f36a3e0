"""The smallest Textual app there is, to measure ourselves by."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Static


class Bare(App[None]):
    """One line of text, and another one for each key."""

    def compose(self) -> ComposeResult:
        yield Static("first frame")

    def on_key(self, event: Key) -> None:
        self.query_one(Static).update(f"the key {event.character} was pressed")


if __name__ == "__main__":
    Bare().run()
