"""An engine that goes away and comes back, restarts, or whose user pauses and removes what is ours."""

from __future__ import annotations

import pytest

from pithy_local.executors.engine import Engine
from tests.crash import invariants
from tests.crash.conftest import trial
from tests.crash.trial import Trial
from tests.fakes.faults import Drop
from tests.support import wait_until

__all__ = ["trial"]
pytestmark = pytest.mark.docker

SECONDS = 100


def go_away(trial: Trial) -> None:
    """Whoever asks the engine is hung up on, and all that was under way breaks."""
    assert trial.proxy is not None
    trial.proxy.leave_to_chance(lambda operation: Drop())
    trial.proxy.break_all()


def come_back(trial: Trial) -> None:
    assert trial.proxy is not None
    trial.proxy.leave_to_chance(lambda operation: None)


def container_at_work(trial: Trial, engine: Engine) -> str:
    """The id of the agent's container, once its work has begun."""
    written = "SELECT 1 FROM line WHERE text LIKE 'work %'"
    wait_until(lambda: invariants.rows(trial.world.home / "logs.db", written), SECONDS, "the agent's work")
    labels = [f"pithy.instance={trial.world.instance()}", "pithy.role=agent"]
    (found,) = engine.api.containers(filters={"label": labels})
    return str(found["Id"])


def test_an_engine_that_was_restarted_and_ended_the_container_is_said(trial: Trial, engine: Engine) -> None:
    task = trial.add(lines=100, seconds=30)
    with trial.running() as process:
        container = container_at_work(trial, engine)
        go_away(trial)
        engine.api.kill(container)
        come_back(trial)
        process.wait(SECONDS)
    trial.finish()

    error = trial.world.show(task)["error"]
    assert error["code"] == "container_lost", error
    assert f"pithy-local retry {task}" in error["hint"]


def test_a_sandbox_that_was_paused_goes_on_where_it_was(trial: Trial, engine: Engine) -> None:
    trial.add(lines=100, seconds=3)
    with trial.running() as process:
        container = container_at_work(trial, engine)
        engine.api.pause(container)
        with pytest.raises(Exception, match="timed out"):
            process.wait(4)
        engine.api.unpause(container)
        assert process.wait(SECONDS) == 0

    assert invariants.statuses(trial) == {"completed": 1}


def test_a_sandbox_that_its_user_removed_is_said(trial: Trial, engine: Engine) -> None:
    task = trial.add(lines=100, seconds=30)
    with trial.running() as process:
        engine.api.remove_container(container_at_work(trial, engine), force=True, v=True)
        assert process.wait(SECONDS) == 0

    shown = trial.world.show(task)
    assert (shown["status"], shown["error"]["code"]) == ("failed", "container_lost")


def test_an_engine_that_goes_away_is_waited_for(trial: Trial, engine: Engine) -> None:
    trial.add(lines=100, seconds=6)
    with trial.running() as process:
        container_at_work(trial, engine)
        go_away(trial)
        wait_until(lambda: "waiting for it" in trial.said, SECONDS, "word of the engine")
        come_back(trial)
        assert process.wait(SECONDS) == 0

    assert (invariants.statuses(trial), trial.runs) == ({"completed": 1}, 1)
    assert "the Docker engine answers again" in trial.said
    assert invariants.broken(trial) == []
