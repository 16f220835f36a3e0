"""Processes that work the queue and are killed, one after the other, while there is work."""

from __future__ import annotations

import random
import subprocess

from pithy_local import crash
from tests.crash.trial import Trial

ALIVE = (0.5, 5.0)
"""Seconds that a process gets before its SIGKILL, at least and at most."""


def one_life(trial: Trial, seconds: float, *, jobs: int, point: str = "", nth: int = 1) -> bool:
    """A `run` that dies at its `nth` visit of `point`, or by SIGKILL after so many seconds.

    Returns False when it ended by itself: there was nothing left to do.
    """
    with trial.running(jobs, point, nth) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
    assert code in (0, crash.EXIT), f"run ended with exit code {code}:\n{trial.said[-3000:]}"
    return code == crash.EXIT


def kill_at_random(trial: Trial, dice: random.Random, *, kills: int, jobs: int) -> int:
    """SIGKILL so many `run` processes. Returns how many were killed: fewer where the work was done before."""
    for number in range(kills):
        if not one_life(trial, dice.uniform(*ALIVE), jobs=jobs):
            return number
    return kills
