"""Blocking work is finished whatever becomes of who waits for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pithy_local.door.worker import in_thread


async def test_the_result_and_the_error_come_back() -> None:
    assert await in_thread(int, "7") == 7
    with pytest.raises(ValueError):
        await in_thread(int, "x")


async def test_a_cancelled_caller_gets_the_result_and_meets_the_cancellation_afterwards() -> None:
    started, go = threading.Event(), threading.Event()
    got: list[str] = []

    def work() -> str:
        started.set()
        go.wait(60)
        return "ticket"

    async def caller() -> None:
        got.append(await in_thread(work))
        await asyncio.sleep(0)
        got.append("never reached")

    task = asyncio.create_task(caller())
    await asyncio.to_thread(started.wait, 20)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert got == ["ticket"]


async def test_a_cancellation_does_not_hide_an_error() -> None:
    started, go = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        go.wait(60)
        raise OSError("disk full")

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(started.wait, 20)
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(OSError, match="disk full"):
        await task
