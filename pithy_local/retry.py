"""A request that failed for now is made again: one schedule for everything that is asked of a remote."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from pithy_local.errors import PithyError

T = TypeVar("T")
Wait = Callable[[float], None]
"""Sleeps for so many seconds; raises to end the waiting (the attempt was cancelled, its lease is lost)."""

WAITS = (1.0, 2.0, 4.0)
"""Seconds before the second, third and fourth try (docs/contract.md §4)."""


def retried(
    ask: Callable[[], T],
    pause_of: Callable[[PithyError, float], float | None],
    *,
    waits: Sequence[float] = WAITS,
    wait: Wait = time.sleep,
) -> T:
    """What `ask` returns. After a failure it is asked again, at most once for each of `waits`.

    `pause_of(failure, planned)` says how many seconds to wait, `planned` being those of the schedule; None: it would
    fail again, so the failure is raised at once. The last failure is raised.
    """
    for planned in waits:
        try:
            return ask()
        except PithyError as failure:
            pause = pause_of(failure, planned)
            if pause is None:
                raise
        wait(pause)
    return ask()
