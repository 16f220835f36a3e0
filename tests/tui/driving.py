"""The dashboard in Textual's headless driver, so that a test reads as what a user does and sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Static

from pithy_local.tui.app import Dashboard
from pithy_local.tui.board import Board, ServiceBoard
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.tasks import TaskTable
from tests.tui.seeding import Seed

PATIENCE = 10.0
"""Seconds after which what a test waits for counts as never coming."""


class User:
    """Presses keys and reads the screen; `sees` waits, with a deadline."""

    def __init__(self, app: Dashboard, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def log(self) -> LogView:
        return self.app.screen_stack[1].query_one(LogView)

    @property
    def table(self) -> TaskTable:
        return self.app.screen_stack[1].query_one(TaskTable)

    @property
    def screen(self) -> str:
        """What is on the screen, as lines of text."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text[:width] for strip in strips[:height])

    def static(self, selector: str) -> str:
        return str(self.app.screen_stack[1].query_one(selector, Static).render())

    async def presses(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def types(self, text: str) -> None:
        await self.pilot.press(*("space" if char == " " else char for char in text))

    async def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"{what} never came true; the screen:\n{self.screen}"
            await asyncio.sleep(0.01)
            await self.pilot.pause()

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(lambda text=text: text in self.screen, repr(text))  # type: ignore[misc]

    async def sees_no(self, text: str) -> None:
        await self.until(lambda: text not in self.screen, f"no {text!r}")


@asynccontextmanager
async def dashboard(
    seed: Seed, *, size: tuple[int, int] = (120, 40), board: Board | None = None
) -> AsyncIterator[User]:
    """The dashboard over this home, without a worker unless `board` says otherwise."""
    app = Dashboard(board or ServiceBoard(seed.app, worker=False), seed.app.clock)
    async with app.run_test(size=size, notifications=True) as pilot:
        user = User(app, pilot)
        await user.until(lambda: len(app.screen_stack) > 1, "the main screen")
        yield user
