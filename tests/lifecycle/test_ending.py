"""How an attempt's end is written: settled with what people read, or queued again, uncharged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pithy_local.door.reports import Event
from pithy_local.errors import ErrorCode, Parked, PithyError
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.ending import MAX_PARKED_MS, Ending
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Status, Task
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import SECRET, StandIn, hosted, log_of, opened_bench, queue
from tests.store.conftest import HandClock


@pytest.fixture
def bench(tmp_path: Path, executor: StandIn, clock: HandClock) -> Iterator[Workbench]:
    """With a clock that the test moves."""
    with opened_bench(tmp_path, executor, clock=clock) as opened:
        yield opened


@pytest.fixture
def host(bench: Workbench) -> Iterator[Host]:
    with hosted(bench, queue(bench, Path("/no/such/repository"))) as made:
        yield made


@pytest.fixture
def artifacts(bench: Workbench, host: Host) -> Artifacts:
    return Artifacts(bench.home, host.lease.task.id, 1, bench.redactor)


@pytest.fixture
def ending(bench: Workbench, host: Host, artifacts: Artifacts) -> Ending:
    return Ending(bench, host, artifacts)


def now(bench: Workbench, host: Host) -> Task:
    return Tasks(bench.store).get(host.lease.task.id)


def last_line(bench: Workbench, host: Host) -> str:
    return log_of(bench, host.lease.task.id)[-1]


def test_a_parked_attempt_waits_until_its_time_and_is_not_charged(
    bench: Workbench, host: Host, ending: Ending, clock: HandClock
) -> None:
    until = clock.now + 60_000

    ending.park(Parked("the rate limit of openai lasts", until=until))

    task = now(bench, host)
    assert (task.status, task.attempts, task.not_before, task.error) == (Status.QUEUED, 1, until, None)
    assert "not charged: the rate limit of openai lasts" in last_line(bench, host)


def test_a_task_that_is_parked_for_more_than_a_day_has_failed(
    bench: Workbench, host: Host, ending: Ending, clock: HandClock
) -> None:
    clock.sleep(MAX_PARKED_MS / 1000 + 1)

    ending.park(Parked("the rate limit of openai lasts", until=clock.now + 1))

    error = now(bench, host).error
    assert error is not None
    assert (error.code, "more than a day" in error.message) == ("llm_rate_limit", True)


def test_a_budget_may_be_waited_for_as_long_as_it_takes(
    bench: Workbench, host: Host, ending: Ending, clock: HandClock
) -> None:
    clock.sleep(MAX_PARKED_MS / 1000 + 1)

    ending.park(Parked("the day's budget is spent"))

    assert (now(bench, host).status, now(bench, host).not_before) == (Status.QUEUED, 0)


def test_a_task_that_was_cancelled_is_not_parked(bench: Workbench, host: Host, ending: Ending) -> None:
    """Nobody would see the request before the rate limit is over."""
    Tasks(bench.store).request_cancel(host.lease.task.id)

    ending.park(Parked("the rate limit of openai lasts", until=bench.clock.now_ms() + 3_600_000))

    assert now(bench, host).status is Status.CANCELLED
    assert last_line(bench, host) == "cancelled"


def test_a_question_is_the_tasks(bench: Workbench, host: Host, ending: Ending) -> None:
    ending.fail(PithyError(ErrorCode.CLARIFICATION, "Which of the two?"))

    task = now(bench, host)
    assert (task.status, task.question) == (Status.NEEDS_CLARIFICATION, "Which of the two?")
    assert task.error is not None
    assert task.error.hint == f'`pithy-local answer {task.id} "…"` answers, and the task goes on.'


@pytest.mark.parametrize(
    "code", [ErrorCode.CLARIFICATION, ErrorCode.AWAITING_REVIEW, ErrorCode.VERIFY_FAILED, ErrorCode.OOM]
)
def test_no_secret_and_no_flood_is_kept_of_what_was_said(
    bench: Workbench, host: Host, ending: Ending, code: ErrorCode
) -> None:
    text = f"{SECRET} \0\ud800" + "x" * 200_000
    detail: dict[str, Any] = {"git": text, "verify": [{"output": text}] * 100, SECRET: SECRET}

    ending.fail(PithyError(code, text, hint=f"Use {text}", detail=detail))

    rows = bench.store.queue.rows("SELECT error, question FROM attempt")
    kept = f"{rows[0]['error']} {rows[0]['question']}"
    assert SECRET not in kept + "".join(log_of(bench, host.lease.task.id))
    assert len(kept) < 500_000
    assert now(bench, host).error is not None


def fill_up(bench: Workbench, host: Host) -> None:
    """The log takes no more: RAISE(ROLLBACK) ends the transaction as SQLite itself does when the disk is full."""
    bench.store.logs.write("CREATE TRIGGER full BEFORE INSERT ON line BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")
    host.say("lost")
    assert host.stopping.wait(60)


def test_a_log_that_could_not_be_written_gets_its_last_line_when_there_is_room_again(
    bench: Workbench, host: Host, ending: Ending
) -> None:
    fill_up(bench, host)
    bench.store.logs.write("DROP TRIGGER full")

    ending.fail(PithyError(ErrorCode.DISK_FULL, f"no space left for {SECRET}"))

    assert log_of(bench, host.lease.task.id) == ["failed: no space left for *** [disk_full]"]
    assert now(bench, host).status is Status.FAILED


def test_a_log_that_cannot_be_written_keeps_no_task_running(bench: Workbench, host: Host, ending: Ending) -> None:
    fill_up(bench, host)

    ending.fail(PithyError(ErrorCode.DISK_FULL, "no space left"))

    assert (log_of(bench, host.lease.task.id), now(bench, host).status) == ([], Status.FAILED)


def test_what_was_refused_is_named_with_the_error(
    bench: Workbench, host: Host, ending: Ending, artifacts: Artifacts
) -> None:
    data = {"round": 1, "code": "patch_malformed", "reason": "no hunk", "patch": "???"}
    artifacts.event_sink(host.lease)(Event(1, "rejected", data))

    ending.fail(PithyError(ErrorCode.PATCH_MALFORMED, "no round had a patch", detail={"rounds": 1}))

    error = now(bench, host).error
    assert error is not None
    assert error.detail["rounds"] == 1
    assert (bench.home.root / error.detail["rejected"][0]["path"]).read_text() == "???"


def test_who_lost_the_lease_writes_no_end(bench: Workbench, host: Host, ending: Ending, clock: HandClock) -> None:
    processes = Processes(bench.store)
    [owned] = processes.owned()
    assert processes.take_over(owned, processes.register("other")) is not None

    ending.fail(PithyError(ErrorCode.OOM, "too much"))
    ending.park(Parked("later"))

    assert (now(bench, host).status, now(bench, host).error) == (Status.RUNNING, None)
