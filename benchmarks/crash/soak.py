"""Many small tasks while processes die without end, at named points and anywhere else, and responses get lost."""

from __future__ import annotations

import random
import subprocess
import time
from dataclasses import dataclass

from pithy_local import crash
from tests.crash import invariants
from tests.crash.chance import Mishaps
from tests.crash.killing import ALIVE, one_life
from tests.crash.trial import Trial

BACKLOG = 8
"""Tasks that wait or run at once: each process finds work of every age."""
DEPENDENT = 0.2
"""How often a task starts only after another one that is not settled yet."""
ACCOMPANIED = 0.2
"""How often two processes share the queue, and one of them dies first."""
POINT_SECONDS = 12.0
"""How long an armed process gets to come to its point; then it is killed all the same."""
LAST_SECONDS, TASK_SECONDS = 60.0, 10.0
"""Within which everything is settled once nobody dies any more: so long, and so long for each task's own work."""


@dataclass(frozen=True, kw_only=True)
class Soak:
    """What to do: so many tasks or minutes, whichever comes first, `jobs` at once."""

    tasks: int
    minutes: float
    jobs: int
    seed: int
    share: float
    """Of the requests that may be spoilt."""

    def run(self, trial: Trial) -> list[str]:
        """Work until the end; print the figures. Returns what is broken."""
        dice, mishaps = random.Random(self.seed), Mishaps(self.seed, self.share)
        mishaps.befall(trial)
        started = time.monotonic()
        deadline = started + 60 * self.minutes
        while time.monotonic() < deadline:
            left = invariants.unsettled(trial)
            for _ in range(min(BACKLOG - len(left), self.tasks - len(trial.tasks))):
                after = dice.choice(left) if left and dice.random() < DEPENDENT else None
                left.append(trial.add(dice.randrange(20, 200), dice.uniform(0.2, 4), after))
            if not left:
                break
            self._let_one_die(trial, dice)
        last, late = time.monotonic(), self._finish(trial)
        broken = [*late, *invariants.broken(trial), *_unvisited(trial), *_not_completed(trial)]
        _print(trial, mishaps, last - started)
        print(f"afterwards      {time.monotonic() - last:.1f} s until the last task was settled")
        return broken

    def _finish(self, trial: Trial) -> list[str]:
        """One process more that nobody kills. Returns what is broken: that it did not end in time."""
        seconds = LAST_SECONDS + TASK_SECONDS * len(invariants.unsettled(trial))
        try:
            trial.finish(self.jobs, seconds)
        except subprocess.TimeoutExpired:
            return [f"not settled {seconds:.0f} s after the last death: {invariants.unsettled(trial)}"]
        return []

    def _let_one_die(self, trial: Trial, dice: random.Random) -> None:
        """At one of the points that fewest have died at, or at any moment; sometimes beside one that dies later."""
        if dice.random() < ACCOMPANIED:
            with trial.running(self.jobs):
                one_life(trial, dice.uniform(*ALIVE), jobs=self.jobs)
        elif dice.random() < 0.5:
            one_life(trial, dice.uniform(*ALIVE), jobs=self.jobs)
        else:
            self._die_at_a_point(trial, dice)

    def _die_at_a_point(self, trial: Trial, dice: random.Random) -> None:
        rarest = min(trial.deaths[point] for point in crash.POINTS)
        point = dice.choice([point for point in crash.POINTS if trial.deaths[point] == rarest])
        one_life(trial, POINT_SECONDS, jobs=self.jobs, point=point, nth=dice.choice((1, 1, 2)))


def _unvisited(trial: Trial) -> list[str]:
    return [f"never visited: {point}" for point in crash.POINTS if not trial.visited[point]]


def _not_completed(trial: Trial) -> list[str]:
    """Every response that was lost could be asked for again: no task has failed for it."""
    found = invariants.statuses(trial)
    return [f"{count} tasks ended as {status}" for status, count in found.items() if status != "completed"]


def _print(trial: Trial, mishaps: Mishaps, seconds: float) -> None:
    deaths = trial.deaths
    print(f"tasks           {len(trial.tasks)}: {dict(invariants.statuses(trial))}, in {seconds:.0f} s")
    print(f"processes       {trial.runs}")
    print(f"SIGKILL         {deaths['SIGKILL']}")
    print(f"at a point      {deaths.total() - deaths['SIGKILL']}")
    print(f"adoptions       {trial.said.count(': adopted')}")
    print(f"requeues        {invariants.requeues(trial)}")
    print(f"model calls     {len(trial.world.model.completions)}")
    print(f"lost or spoilt  {mishaps.counts.total()}")
    for what, count in sorted(mishaps.counts.items()):
        print(f"  {count:5d}  {what}")
    print("points          visits  deaths")
    for point in crash.POINTS:
        print(f"  {point:20s}{trial.visited[point]:6d}  {deaths[point]:6d}")
