"""A process dies at every named point of an attempt's life; the next one goes on, and nothing is lost or done twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pithy_local import crash
from tests.crash import invariants
from tests.crash.trial import Trial

pytestmark = pytest.mark.timeout(400, func_only=True)
"""A process starts for each point: much on a machine that is busy with other things."""

BEFORE_THE_AGENT = crash.POINTS[: crash.POINTS.index("handed_over")]
WHILE_IT_WORKS = crash.POINTS[crash.POINTS.index("handed_over") : crash.POINTS.index("verifying.entered")]
AFTERWARDS = crash.POINTS[crash.POINTS.index("verifying.entered") : crash.POINTS.index("log.appended")]


def _die_at_each(trial: Trial, points: Sequence[str]) -> None:
    """One task goes through all of it; where it has passed a point already, another one is added."""
    trial.add(lines=20, seconds=0.2)
    for point in points:
        if not trial.die_at(point):
            trial.add(lines=20, seconds=0.2)
            assert trial.die_at(point), f"{point} was never visited"
    trial.finish()
    invariants.all_completed(trial)


@pytest.mark.docker
def test_a_death_before_the_agent_works_is_made_good(trial: Trial) -> None:
    _die_at_each(trial, BEFORE_THE_AGENT)


@pytest.mark.docker
def test_a_death_while_the_agent_works_is_made_good(trial: Trial) -> None:
    _die_at_each(trial, WHILE_IT_WORKS)


def test_a_death_after_it_is_made_good(local_trial: Trial) -> None:
    _die_at_each(local_trial, AFTERWARDS)


@pytest.mark.docker
def test_a_death_in_the_middle_of_the_log_is_made_good(trial: Trial) -> None:
    """The 12th batch of lines is committed, and the process that wrote it is gone."""
    trial.add(lines=400, seconds=2)

    assert trial.die_at("log.appended", nth=12)

    trial.finish()
    invariants.all_completed(trial)
