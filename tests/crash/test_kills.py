"""SIGKILL at random moments, with responses lost meanwhile: a sample of what `python -m benchmarks.crash` does."""

from __future__ import annotations

import random

import pytest

from tests.crash import invariants
from tests.crash.chance import Mishaps
from tests.crash.killing import kill_at_random
from tests.crash.trial import Trial

SEED = 5


@pytest.mark.docker
@pytest.mark.timeout(400, func_only=True)
def test_tasks_outlive_the_processes_that_run_them(trial: Trial) -> None:
    mishaps = Mishaps(SEED, share=0.05)
    mishaps.befall(trial)
    for _ in range(2):
        trial.add(lines=60, seconds=2)

    kill_at_random(trial, random.Random(SEED), kills=3, jobs=2)
    trial.finish(jobs=2)

    invariants.all_completed(trial)
