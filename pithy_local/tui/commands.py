"""The command palette (ctrl+p): every action, and every task to go to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from pithy_local.text import clip
from pithy_local.tui import look
from pithy_local.tui.actions import Place
from pithy_local.tui.screens.main import MainScreen

OFFERED = (Place.TASK, Place.DASHBOARD, Place.TASKS, Place.LOG, Place.DIFF)
MOST_TASKS = 500
GO_TO = "Go to "


class DashboardCommands(Provider):
    """Only over the main screen: dialogs have keys of their own."""

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        """Name, help and what it runs."""
        screen = self.screen
        if not isinstance(screen, MainScreen):
            return
        for place in OFFERED:
            for action in screen.keymap.at(place):
                reason = screen.why_not(action.id)
                note = f"now not: {reason}" if reason else f"{action.help} ({action.shown})"
                name = action.label if place in (Place.TASK, Place.DASHBOARD) else f"{place.value}: {action.label}"
                yield name, note, screen.presser(action.id)
        for entry in screen.entries[:MOST_TASKS]:
            title = clip(look.line(entry.task.title).plain, 80)
            words = f"{look.STATUS[entry.task.status].word} · {look.line(entry.task.repo).plain}"
            yield f"{GO_TO}{entry.task.id} {title}", words, screen.goer(entry.task.id)

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


def _inert(text: str) -> str:
    """Text in which Textual finds no markup: it reads help as such."""
    return text.replace("[", "(").replace("]", ")")
