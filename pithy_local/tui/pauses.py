"""Python's garbage collector, kept from stopping the dashboard: keys wait for it.

A full collection walks everything that Textual holds. That takes 20 to 50 ms, often while the dashboard starts and then
every second while a log pours in: it was most of what the slowest keys waited for.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (5_000, 10, 10)
"""Most of what a frame makes is gone again before the youngest generation is looked at."""
_before: list[tuple[int, int, int]] = []
"""The thresholds to go back to, while the pauses are kept short: the collector is one for the whole process."""


@contextmanager
def kept_short() -> Iterator[None]:
    """Collect nothing until `settled` is called, and after that only what is younger than that."""
    _before.append(gc.get_threshold())
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*_before.pop())
        gc.enable()


def settled() -> None:
    """The start is over: collect once, and never walk again what is there now. Does nothing outside `kept_short`."""
    if _before:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        gc.enable()
