"""Several processes on one file, each enqueueing, claiming and finishing in turns."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import BrokenBarrierError

from benchmarks.queue.contenders import CONTENDERS, Contender, Locked

START_SECONDS = 60.0
"""How long the processes wait for each other at the start."""


@dataclass(frozen=True, kw_only=True)
class Worked:
    """What one process did: which tasks it added and claimed, how often the database was locked, from when to when."""

    added: list[str]
    claimed: list[str]
    locked: int
    started: float
    ended: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of all processes together."""

    per_second: float
    twice: int
    lost: int
    locked: int

    @property
    def sound(self) -> bool:
        return not (self.twice or self.lost or self.locked)


def run(contender: str, folder: Path, *, processes: int, cycles: int) -> Figures:
    """`cycles`: of each process."""
    CONTENDERS[contender](folder).close()  # the tables are there before anybody is in a hurry
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_keep, initargs=(barrier,)) as pool:
        jobs = [pool.submit(_work, contender, folder, number, cycles) for number in range(processes)]
        worked = [job.result() for job in jobs]
    queue = CONTENDERS[contender](folder)
    left = drain(queue)
    queue.close()
    return judge(worked, left, cycles)


def judge(worked: Sequence[Worked], left: Sequence[str], cycles: int) -> Figures:
    """`left`: what was claimed when all had ended."""
    claims = Counter([name for each in worked for name in each.claimed] + list(left))
    seconds = max(each.ended for each in worked) - min(each.started for each in worked)
    return Figures(
        per_second=cycles * len(worked) / seconds, twice=claims.total() - len(claims),
        lost=len({name for each in worked for name in each.added} - claims.keys()),
        locked=sum(each.locked for each in worked),
    )  # fmt: skip


def drain(queue: Contender) -> list[str]:
    """Claim all that is left."""
    left = []
    while (name := queue.claim()) is not None:
        left.append(name)
        queue.finish()
    return left


_barrier: multiprocessing.synchronize.Barrier  # set by `_keep` in each process


def _keep(barrier: multiprocessing.synchronize.Barrier) -> None:
    global _barrier
    _barrier = barrier


def _work(contender: str, folder: Path, number: int, cycles: int) -> Worked:
    queue = CONTENDERS[contender](folder)
    added: list[str] = []
    claimed: list[str] = []
    locked = 0
    try:
        _barrier.wait(START_SECONDS)
    except BrokenBarrierError:
        raise TimeoutError("the other processes did not start") from None
    started = time.monotonic()
    for cycle in range(cycles):
        try:
            added.append(queue.add(f"{number}-{cycle}"))
            name = queue.claim()
            if name is not None:
                claimed.append(name)
                queue.finish()
        except Locked:
            locked += 1
    ended = time.monotonic()
    queue.close()
    return Worked(added=added, claimed=claimed, locked=locked, started=started, ended=ended)
