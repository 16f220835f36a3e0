"""Ctrl+C asks the work to stop and removes what it started; an end that the system asks for leaves it to be adopted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pithy_local.models import Stop
from pithy_local.service import StopSign

MEANING = {signal.SIGINT: Stop.CANCEL, signal.SIGTERM: Stop.LEAVE, signal.SIGHUP: Stop.LEAVE}
WORDS = {
    Stop.CANCEL: "stopping: cancelling what runs here",
    Stop.LEAVE: "stopping: what runs here is left to the next `pithy-local run`; local sandboxes are queued again",
}


@contextmanager
def stop_on_signals(say: Callable[[str], None], *, adoptable: bool = True) -> Iterator[StopSign]:
    """A sign that SIGINT, SIGTERM and SIGHUP set, each in its way. Further signals change nothing.

    `adoptable`: somebody else may go on with what runs here; else each of them cancels it.
    """
    stop = StopSign()

    def tell(words: str) -> None:
        try:
            say(words)
        except RuntimeError:  # the signal came in the middle of a line: a stream is not reentrant
            threading.Thread(target=say, args=(words,), daemon=True).start()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            tell("still stopping")
            return
        stop.how = MEANING[signal.Signals(number)] if adoptable else Stop.CANCEL
        stop.set()
        tell(WORDS[stop.how])

    before = {number: signal.signal(number, handle) for number in MEANING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
