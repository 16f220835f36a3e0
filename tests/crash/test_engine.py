"""An engine whose answers get lost and whose streams break: the work is done once all the same."""

from __future__ import annotations

import subprocess

import pytest

from tests.crash import invariants
from tests.crash.trial import Trial
from tests.fakes.engine_proxy import EngineProxy
from tests.support import wait_until

pytestmark = pytest.mark.docker


def _proxy(trial: Trial) -> EngineProxy:
    assert trial.proxy is not None
    return trial.proxy


def _work_is_seen(trial: Trial, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, trial.said
    return bool(invariants.rows(trial.world.home / "logs.db", "SELECT 1 FROM line WHERE text LIKE 'work %'"))


def test_what_the_engine_did_and_could_not_say_is_found_out(trial: Trial) -> None:
    proxy = _proxy(trial)
    for operation in ("POST containers/create", "POST containers/start", "POST containers/kill", "DELETE containers"):
        proxy.lose_answer(operation)
    proxy.break_after("GET containers/logs", 45_000)
    proxy.drop_next("GET containers/logs")
    trial.add(lines=80, seconds=1)

    trial.finish()

    invariants.all_completed(trial)


def test_an_engine_that_breaks_every_connection_costs_no_line(trial: Trial) -> None:
    trial.add(lines=100, seconds=2)
    with trial.running() as process:
        wait_until(lambda: _work_is_seen(trial, process), 40, "the agent's work")
        _proxy(trial).break_all()
        assert process.wait(45) == 0

    invariants.all_completed(trial)


def test_a_refusal_is_the_tasks_error_and_leaves_nothing(trial: Trial) -> None:
    proxy = _proxy(trial)
    trial.add(lines=1, seconds=0)
    proxy.fail_next("POST containers/create", 500)

    trial.finish()

    assert invariants.statuses(trial) == {"failed (internal)": 1}
