from __future__ import annotations

import asyncio
import errno
import threading

import pytest

from pithy_local.door.loop import EventLoop
from tests.support import wait_until


async def answer() -> int:
    return 42


def test_a_call_returns_the_result(loop: EventLoop) -> None:
    assert loop.call(answer()) == 42


def test_a_call_raises_what_was_raised(loop: EventLoop) -> None:
    async def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        loop.call(fail())


def test_a_call_beyond_its_time_is_cancelled(loop: EventLoop) -> None:
    ended = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        loop.call(hang(), timeout=0.05)
    assert ended.wait(60)


def test_a_call_on_the_loops_own_thread_is_an_error(loop: EventLoop) -> None:
    async def nested() -> int:
        return loop.call(answer())

    with pytest.raises(RuntimeError, match="own thread"):
        loop.call(nested())


def test_stop_ends_what_still_runs_and_the_thread() -> None:
    loop, ended = EventLoop().start(), threading.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    future = loop.spawn(hang())
    loop.call(answer())
    loop.stop()
    loop.stop()
    assert ended.is_set()
    assert future.cancelled()
    wait_until(lambda: "pithy-loop" not in [thread.name for thread in threading.enumerate()])
    with pytest.raises(RuntimeError):
        loop.call(answer())


def test_it_starts_once(loop: EventLoop) -> None:
    with pytest.raises(RuntimeError):
        loop.start()


@pytest.mark.parametrize(("number", "told"), [(errno.EMFILE, False), (errno.ENFILE, False), (errno.EPERM, True)])
def test_a_listener_without_a_free_descriptor_fills_no_screen(
    loop: EventLoop, caplog: pytest.LogCaptureFixture, number: int, told: bool
) -> None:
    """asyncio tells each of its tries, up to 2,048 in a row, on stderr."""

    async def meet() -> None:
        context = {"message": "socket.accept() out of system resource", "exception": OSError(number, "no")}
        asyncio.get_running_loop().call_exception_handler(context)

    loop.call(meet())
    assert [record.name for record in caplog.records] == ["asyncio"] * told
