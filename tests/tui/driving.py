"""The dashboard in Textual's headless driver, so that a test reads as what a user does and sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Static

from pithy_local.doctor import Check
from pithy_local.tui.app import Dashboard
from pithy_local.tui.board import Board
from pithy_local.tui.screens.main import MainScreen
from pithy_local.tui.widgets.diff import DiffView
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.tasks import TaskTable
from tests.tui.seeding import Seed

PATIENCE = 60.0
"""Seconds after which what a test waits for counts as never coming."""


class Watched(Dashboard):
    """Keeps what it told the user: a notification is gone after a few seconds."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.told: list[str] = []

    def notify(self, message: str, **options: Any) -> None:
        self.told.append(message)
        super().notify(message, **options)


class User:
    """Presses keys and reads the screen; `sees` waits, with a deadline."""

    def __init__(self, app: Watched, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def main(self) -> MainScreen:
        assert self.app.main is not None
        return self.app.main

    @property
    def log(self) -> LogView:
        return self.main.query_one(LogView)

    @property
    def diff(self) -> DiffView:
        return self.main.query_one(DiffView)

    @property
    def table(self) -> TaskTable:
        return self.main.query_one(TaskTable)

    @property
    def screen(self) -> str:
        """What is on the screen, as lines of text."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text[:width] for strip in strips[:height])

    def static(self, selector: str) -> str:
        return str(self.main.query_one(selector, Static).render())

    async def presses(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def types(self, text: str) -> None:
        """All of it at once, as a fast typist does: the pilot waits for 40 ms after each key."""
        assert self.app._driver is not None
        for char in text:
            event = events.Key(char if char.isalnum() else _character_to_key(char), char)
            event.set_sender(self.app)
            self.app._driver.send_message(event)
        await self.pilot.pause()

    async def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"{what} never came true; the screen:\n{self.screen}"
            await asyncio.sleep(0.01)
            await self.pilot.pause()

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(lambda text=text: text in self.screen, repr(text))  # type: ignore[misc]

    async def picture(self) -> str:
        """The screen as SVG, once two looks at it are the same."""
        before, now = "", self.app.export_screenshot(simplify=True)
        while before != now:
            await asyncio.sleep(0.1)
            await self.pilot.pause()
            before, now = now, self.app.export_screenshot(simplify=True)
        return now

    async def is_told(self, text: str) -> None:
        """A notification says so."""
        await self.until(lambda: any(text in each for each in self.app.told), f"told {text!r}")

    async def sees_no(self, text: str) -> None:
        await self.until(lambda: text not in self.screen, f"no {text!r}")


@asynccontextmanager
async def dashboard(
    seed: Seed, *, size: tuple[int, int] = (120, 40), board: Board | None = None, checks: Sequence[Check] = ()
) -> AsyncIterator[User]:
    """The dashboard over this home, without a worker unless `board` says otherwise; the doctor finds `checks`."""
    app = Watched(board or Board(seed.app, worker=False, checks=lambda found: iter(checks)))
    async with app.run_test(size=size, notifications=True) as pilot:
        user = User(app, pilot)
        await user.until(lambda: app.main is not None and app.main.is_mounted, "the main screen")
        yield user
