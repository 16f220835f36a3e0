"""The process's one asyncio thread: doors, gateways and what else is asynchronous live on it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)


class EventLoop:
    """An event loop in a thread of its own; `call` and `spawn` are the bridge to it from every other thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Start the thread; returns when the loop runs. RuntimeError when it does already."""
        if self._thread is not None:
            raise RuntimeError("the event loop was started before")
        running = threading.Event()
        self._thread = threading.Thread(target=self._main, args=(running,), name="pithy-loop", daemon=True)
        self._thread.start()
        running.wait()
        return self

    def call(self, coro: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run `coro` on the loop and return its result, or raise what it raised. Blocks the calling thread.

        TimeoutError after `timeout` seconds; then, and when this thread is interrupted, `coro` is cancelled.
        RuntimeError on the loop's own thread (it would wait for itself) and after `stop`.
        """
        if threading.current_thread() is self._thread:
            coro.close()
            raise RuntimeError("EventLoop.call on the loop's own thread")
        future = self.spawn(coro)
        try:
            return future.result(timeout)
        except BaseException:
            future.cancel()
            raise

    def spawn(self, coro: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start `coro` on the loop; cancelling the future cancels it. RuntimeError when the loop does not run."""
        loop = self._loop
        try:
            if loop is None:
                raise RuntimeError("the event loop does not run")
            return asyncio.run_coroutine_threadsafe(coro, loop)
        except RuntimeError:
            coro.close()
            raise

    def stop(self) -> None:
        """Cancel what is left on the loop, wait for it, end the thread. A second call does nothing."""
        thread, loop, self._loop = self._thread, self._loop, None
        if thread is None or loop is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _main(self, running: threading.Event) -> None:
        with asyncio.Runner() as runner:  # its exit cancels every task and ends generators and worker threads
            self._loop = runner.get_loop()
            self._loop.set_exception_handler(_unhandled)
            self._loop.call_soon(running.set)
            self._loop.run_forever()


def _unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A listener without a free descriptor tries again in a second; asyncio would print each of its tries."""
    if getattr(context.get("exception"), "errno", None) not in OUT_OF_DESCRIPTORS:
        loop.default_exception_handler(context)
