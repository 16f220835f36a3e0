"""The threads that call the service: store connections belong to threads, so these stay as long as the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

QUICK, SLOW = 4, 4
"""Threads for what reads and writes the store, and for what asks the network: one never waits for the other."""


class Pool:
    """Runs blocking calls beside the event loop."""

    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(QUICK, thread_name_prefix="http-quick")
        self._slow = ThreadPoolExecutor(SLOW, thread_name_prefix="http-slow")

    async def quick(self, call: Callable[..., T], *args: Any, **named: Any) -> T:
        """A call that asks the store alone."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, partial(call, *args, **named))

    async def slow(self, call: Callable[..., T], *args: Any, **named: Any) -> T:
        """A call that may ask a forge or a remote."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, partial(call, *args, **named))

    def close(self) -> None:
        """Wait for what runs; what has not begun is dropped."""
        for threads in (self._quick, self._slow):
            threads.shutdown(wait=True, cancel_futures=True)
