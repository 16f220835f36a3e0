"""The command palette (ctrl+p): everything that can be done here, every task to go to, and the themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from pithy_local.text import clip
from pithy_local.tui import look
from pithy_local.tui.actions import HEARD, Place
from pithy_local.tui.screens.dialog import Dialog
from pithy_local.tui.screens.main import MainScreen

PLAIN = (Place.TASK, Place.DASHBOARD)
"""Their names need no word before them."""
OFFERED = (*PLAIN, *dict.fromkeys(place for focus in (Place.TASKS, Place.LOG, Place.DIFF, Place.PAGE)
                                  for place in HEARD[focus] if place not in (*PLAIN, Place.APP)))  # fmt: skip
MOST_TASKS = 500
GO_TO = "Go to "
Command = tuple[str, str, Callable[[], object]]
"""Name, words about it, and what it runs."""


class DashboardCommands(Provider):
    """Over the main screen all of it, over a dialog what can be done in there."""

    def _commands(self) -> Iterator[Command]:
        screen = self.screen
        if isinstance(screen, MainScreen):
            yield from _of_main(screen)
            yield "Theme", "Other colours, until the dashboard is closed", self.app.action_change_theme
            yield from _tasks(screen)
        elif isinstance(screen, Dialog):
            for action in screen.actions:
                yield action.label, f"{action.help} ({action.shown})", partial(screen.action_press, action.id)

    async def discover(self) -> Hits:
        for name, note, run in self._commands():
            if not name.startswith(GO_TO):
                yield DiscoveryHit(Text(name), run, text=name, help=_inert(note))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, note, run in self._commands():
            score = matcher.match(name)
            if score > 0:  # `highlight` would read markup in a title
                yield Hit(score, Text(name), run, text=name, help=_inert(note))


def _of_main(screen: MainScreen) -> Iterator[Command]:
    for place in OFFERED:
        for action in screen.keymap.at(place):
            reason = screen.why_not(action.id)
            note = f"now not: {reason}" if reason else f"{action.help} ({action.shown})"
            name = action.label if place in PLAIN else f"{place.value}: {action.label}"
            yield name, note, screen.presser(action.id)


def _tasks(screen: MainScreen) -> Iterator[Command]:
    for entry in screen.entries[:MOST_TASKS]:
        title = clip(look.line(entry.task.title).plain, 80)
        words = f"{look.STATUS[entry.task.status].word} · {look.line(entry.task.repo).plain}"
        yield f"{GO_TO}{entry.task.id} {title}", words, screen.goer(entry.task.id)


def _inert(text: str) -> str:
    """Text in which Textual finds no markup: it reads help as such."""
    return text.replace("[", "(").replace("]", ")")
