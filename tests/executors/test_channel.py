"""Waiting for a transfer: never longer than allowed, and never past the moment the attempt must end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pithy_local.door.loop import EventLoop
from pithy_local.errors import Cancelled
from pithy_local.executors.channel import Channels


class Endless:
    """A transfer that never ends; remembers that it was given up."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.given_up = threading.Event()

    async def run(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.set()


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    with EventLoop() as running:
        yield running


def channels(loop: EventLoop, checkpoint: Any) -> Channels:
    """For what needs no container."""
    return Channels(None, loop, "none", checkpoint)  # type: ignore[arg-type]  # no engine is asked


def test_a_result_comes_back(loop: EventLoop) -> None:
    assert channels(loop, lambda: None).wait(asyncio.sleep(0, "done"), seconds=5) == "done"


def test_a_transfer_over_its_time_is_given_up(loop: EventLoop) -> None:
    endless = Endless()
    with pytest.raises(TimeoutError):
        channels(loop, lambda: None).wait(endless.run(), seconds=0.1)
    assert endless.given_up.wait(60)


def test_a_checkpoint_that_raises_ends_the_transfer(loop: EventLoop) -> None:
    endless = Endless()

    def checkpoint() -> None:
        if endless.begun.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        channels(loop, checkpoint).wait(endless.run(), seconds=30)
    assert endless.given_up.wait(60)
