"""`?`: what the focused part is for, what the marks mean, and every key with its id, from the one table of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from pithy_local.tui import look
from pithy_local.tui.actions import HEARD, Action, Place
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.keynames import shown_keys
from pithy_local.tui.screens.dialog import Dialog, Parts

KEYS = 17
OPENERS = ("dashboard.help", "dialog.help")

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
    Place.PROMPT: "What is typed here filters the tasks at once, is searched for in the log or the diff, or says "
    "where to go and what a file is to be called.",
}


class HelpScreen(Dialog[None]):
    """Closed by esc, or by the keys that opened it."""

    PLACE = Place.HELP

    def __init__(
        self, place: Place, keymap: Keymap, why_not: Callable[[str], str] = lambda action_id: "", *, prose: str = "",
        heard: Sequence[Action] = (),
    ) -> None:  # fmt: skip
        """`place`: what has the focus; `why_not`: by action id why it cannot be done now, "" where it can.

        `prose`: what a dialog is for; then it and what can be done in there (`heard`) are all that is explained.
        """
        super().__init__()
        self._place, self._keymap, self._why_not, self._prose = place, keymap, why_not, prose
        self._actions = heard or keymap.actions

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content("Help")
            yield Parts("help", *self._parts())
            yield from self.foot()

    def on_mount(self) -> None:
        self.query_one(Parts).focus()

    def on_key(self, event: events.Key) -> None:
        """What opens it closes it."""
        if any(event.key in self.keymap.action(opener).each_key for opener in OPENERS):
            event.stop()
            self.action_back()

    def _parts(self) -> Iterator[Static]:
        if self._prose:
            yield Static(Content(self._prose))
            places = HEARD[self._place]
        else:
            yield Static(Content(PROSE[self._place]))
            yield Static(_marks(), classes="part")
            places = (self._place, *(place for place in Place if place is not self._place))
        for place in places:
            yield Static(Content.styled(place.value, "bold"), classes="part")
            yield Static(self._keys(place))
        yield Static(Content("Keys are changed by id under [keys] in the configuration."), classes="part")

    def _keys(self, place: Place) -> Table:
        """Key, what it does, id; below it why it does nothing now."""
        table = Table.grid(padding=(0, 1, 0, 0), expand=True)
        table.add_column(width=KEYS, no_wrap=True)
        table.add_column(ratio=1)
        table.add_column(justify="right", no_wrap=True)
        for action in (each for each in self._actions if each.place is place):
            hidden = self._keymap.hidden(action, self._place)
            keys = [key for key in action.each_key if key not in hidden]
            reason = self._why_not(action.id) if keys else f"here the key is for: {hidden[action.each_key[0]].label}"
            shown = look.piece(f"  {shown_keys(keys or action.each_key)}", look.MUTED if reason else "cyan")
            table.add_row(shown, Text(action.help, look.MUTED if reason else ""), Text(action.id, look.MUTED))
            if reason:
                table.add_row("", Text(f"now not: {reason}", "yellow"), "")
        return table


def _marks() -> Text:
    shown = Text.styled("States\n", "bold")
    for index, each in enumerate(look.STATUS.values()):
        shown.append(f"  {each.glyph} {each.word:<12}", each.style)
        shown.append("\n" if index == 3 else "")
    return shown
