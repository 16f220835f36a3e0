"""What kills cost: the same tasks, once with nobody killed (the ideal), once with so many SIGKILLs while they run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.crash import invariants
from tests.crash.killing import kill_at_random
from tests.crash.trial import Trial

SECONDS = (5.0, 20.0)
"""A task's work, at least and at most."""
LINES_A_SECOND = 10
PER_KILL = 2.0
"""Seconds that a kill may cost."""
MOST_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Overrun:
    """What to do: `tasks` at `jobs` at once, `kills` of the process that works them."""

    tasks: int
    kills: int
    jobs: int
    seed: int

    def run(self, made: Callable[[str], AbstractContextManager[Trial]]) -> list[str]:
        """Both runs, each in a new trial of that name; print the figures. Returns what is broken."""
        with made("ideal") as trial:
            ideal = self._seconds(trial, kills=0)
            broken = [*invariants.broken(trial), *self._unfinished(trial)]
        with made("killed") as trial:
            real = self._seconds(trial, kills=self.kills)
            killed = trial.deaths["SIGKILL"]
            broken += [*invariants.broken(trial), *self._unfinished(trial)]
            adoptions, requeues = trial.said.count(": adopted"), invariants.requeues(trial)
        allowed = ideal + PER_KILL * killed
        print(f"tasks      {self.tasks} of {SECONDS[0]:g}-{SECONDS[1]:g} s, {self.jobs} at once")
        print(f"ideal      {ideal:.1f} s")
        print(f"killed     {real:.1f} s with {killed} kills (at most {allowed:.1f} s)")
        print(f"a kill     {(real - ideal) / max(1, killed):+.2f} s")
        print(f"adoptions  {adoptions}, requeues {requeues}")
        if killed < self.kills:
            broken.append(f"only {killed} of {self.kills} kills met a running process")
        if real > allowed:
            broken.append(f"took {real:.1f} s, allowed are {allowed:.1f} s")
        return broken

    def _seconds(self, trial: Trial, *, kills: int) -> float:
        dice = random.Random(self.seed)
        for _ in range(self.tasks):
            seconds = dice.uniform(*SECONDS)
            trial.add(lines=round(seconds * LINES_A_SECOND), seconds=seconds)
        started = time.monotonic()
        kill_at_random(trial, dice, kills=kills, jobs=self.jobs)
        trial.finish(self.jobs, timeout=MOST_SECONDS)
        return time.monotonic() - started

    def _unfinished(self, trial: Trial) -> list[str]:
        found, prs = invariants.statuses(trial), len(trial.world.github.prs)
        if found == {"completed": self.tasks} and prs == self.tasks:
            return []
        return [f"not every task was completed with one pull request: {dict(found)}, {prs} pull requests"]
