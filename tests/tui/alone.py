"""One widget in an app of its own: for what needs no dashboard around it, in a tenth of the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from tests.tui.driving import PATIENCE

M = TypeVar("M", bound=Message)


class Alone(App[None]):
    """Nothing but this widget, which has the focus if it can."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()


class Watcher:
    """Presses keys, reads the screen, and has heard every message."""

    def __init__(self, app: Alone, pilot: Pilot[None], heard: list[Message]) -> None:
        self.app, self.pilot, self._heard = app, pilot, heard

    @property
    def lines(self) -> list[str]:
        """What is on the screen, without blanks at the ends."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    async def presses(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def heard(self, kind: type[M]) -> list[M]:
        """Every message of this kind, each of them once."""
        return list({id(each): each for each in self._heard if isinstance(each, kind)}.values())

    async def until(self, true: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"{what} never came true; the screen:\n{chr(10).join(self.lines)}"
            await asyncio.sleep(0.005)
            await self.pilot.pause()

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(lambda text=text: text in "\n".join(self.lines), repr(text))  # type: ignore[misc]


@asynccontextmanager
async def alone(widget: Widget, size: tuple[int, int] = (40, 10)) -> AsyncIterator[Watcher]:
    """This widget on a screen of `size`."""
    heard: list[Message] = []
    app = Alone(widget)
    async with app.run_test(size=size, message_hook=heard.append) as pilot:
        await pilot.pause()
        yield Watcher(app, pilot, heard)


def texts(lines: Iterable[str]) -> list[str]:
    """Lines that are not empty, without the marks of their streams."""
    return [line.strip() for line in lines if line.strip()]
