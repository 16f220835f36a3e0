"""The first interrupt asks the work to stop; what it started is removed before the process ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_on_signals(say: Callable[[str], None]) -> Iterator[threading.Event]:
    """An event that SIGINT, SIGTERM and SIGHUP set. Further signals change nothing: nothing may be left running."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        say("still stopping: removing what runs here" if stop.is_set() else "stopping: cancelling what runs here")
        stop.set()

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
