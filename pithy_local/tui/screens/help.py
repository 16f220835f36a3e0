"""`?`: what this is, what the marks mean, and every key, from the one table of actions."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pithy_local.tui import look
from pithy_local.tui.actions import ACTIONS, Place

PROSE = (
    "Write a task and it becomes a commit on its own branch and, on GitHub, a pull request. Tasks wait in a queue; "
    "this dashboard works it, beside any `run` in another terminal. Each attempt has a throw-away sandbox; what it "
    "does shows in its log, live. Quitting with attempts in work cancels them, after asking."
)


class HelpScreen(ModalScreen[None]):
    """Closed by esc, or by the keys that opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Back", key_display="esc", id="help.back"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide") as dialog:
            dialog.border_title = Content("Help")
            dialog.border_subtitle = Content("esc back")
            yield Static(Content(PROSE))
            yield Static(_marks(), classes="part")
            for place in Place:
                yield Static(_keys(place), classes="part")


def _marks() -> Text:
    shown = Text("States\n", "bold")
    for index, each in enumerate(look.STATUS.values()):
        shown.append(f"  {each.glyph} {each.word:<12}", each.style)
        shown.append("\n" if index == 3 else "")
    return shown


def _keys(place: Place) -> Text:
    shown = Text(place.value, "bold")
    for action in ACTIONS:
        if action.place is place:
            shown.append(f"\n  {action.shown:<12}", "cyan").append(action.help, "not bold")
    if place is Place.DASHBOARD:
        shown.append(f"\n  {'ctrl+p':<12}", "cyan").append("Commands: themes, screenshot and more", "not bold")
    return shown
