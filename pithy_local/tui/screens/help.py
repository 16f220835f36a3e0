"""`?`: what the focused part is for, what the marks mean, and every key with its id, from the one table of actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pithy_local.tui import look
from pithy_local.tui.actions import Place, ordered_places
from pithy_local.tui.keymap import Keymap

KEYS = 17

PROSE = {
    Place.TASKS: "Write a task and it becomes a commit on its own branch and, on GitHub, a pull request. Tasks wait in "
    "a queue; this dashboard works it, beside any `run` or `serve` in another terminal. Actions take the task under "
    "the cursor, or those that are marked.",
    Place.LOG: "The log follows its end. Any move up pauses it and counts what comes in; the view never moves by "
    "itself. `›` marks the host's own words, `!` the program's standard error.",
    Place.DIFF: "What the task changed. Fold files away as viewed; send the change back with notes on the places and "
    "the model tries again, or accept it: a change that waits for review is pushed then.",
    Place.FILES: "Every file of the change: `A` is new, `D` deleted, `M` modified, `R` moved to here; `✓` is viewed. "
    "The diff follows where it stands beside the list.",
    Place.PAGE: "What was done for the task, and all that is known about it. Steps has phases, model calls with "
    "tokens, cost and seconds, and the verify commands on the base and with the change.",
}


class HelpScreen(ModalScreen[None]):
    """Closed by esc, or by the keys that opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Back", id="help.back"),
        Binding("j,down", "scroll(1)", "Down", show=False, id="help.down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id="help.up"),
    ]

    def __init__(self, place: Place, keymap: Keymap, why_not: Callable[[str], str]) -> None:
        """`place`: what has the focus; `why_not`: by action id why it cannot be done now, "" where it can."""
        super().__init__()
        self._place, self._keymap, self._why_not = place, keymap, why_not

    def compose(self) -> ComposeResult:
        places = [self._place, *(place for place in ordered_places() if place is not self._place)]
        with VerticalScroll(classes="dialog wide") as dialog:
            dialog.border_title = Content("Help")
            dialog.border_subtitle = Content(" esc back · ctrl+p every command ")
            yield Static(Content(PROSE.get(self._place, PROSE[Place.TASKS])))
            yield Static(_marks(), classes="part")
            for place in places:
                yield Static(Content.styled(place.value, "bold"), classes="part")
                yield Static(self._keys(place))
            yield Static(Content("Keys are changed by id under [keys] in the configuration."), classes="part")

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _keys(self, place: Place) -> Table:
        """Key, what it does, id; below it why it does nothing now."""
        table = Table.grid(padding=(0, 1, 0, 0), expand=True)
        table.add_column(width=KEYS, no_wrap=True)
        table.add_column(ratio=1)
        table.add_column(justify="right", no_wrap=True)
        for action in self._keymap.at(place):
            reason = self._why_not(action.id)
            words = Text(action.help, look.MUTED if reason else "")
            table.add_row(
                Text(f"  {action.shown}", look.MUTED if reason else "cyan"), words, Text(action.id, look.MUTED)
            )  # fmt: skip
            if reason:
                table.add_row("", Text(f"now not: {reason}", "yellow"), "")
        return table


def _marks() -> Text:
    shown = Text.styled("States\n", "bold")
    for index, each in enumerate(look.STATUS.values()):
        shown.append(f"  {each.glyph} {each.word:<12}", each.style)
        shown.append("\n" if index == 3 else "")
    return shown
