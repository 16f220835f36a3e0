"""Owners that stop, wake up, or live under a clock that jumps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.clock import SystemClock
from pithy_local.lifecycle.supervisor import Supervisor
from pithy_local.models import Status, Stream
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import At, StandIn, log_of, opened_bench, queue, repository, settled
from tests.store.conftest import new_task

WRITES = ["enter", "log", "container", "commit", "intend", "requeue", "settle"]


class Later(SystemClock):
    """As if an owner's last heartbeat was 31 s ago."""

    def lease_ms(self) -> int:
        return super().lease_ms() + 31_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(Home(root=tmp_path / "home"), Later())
    yield opened
    opened.close()


@pytest.fixture
def stopped(store: Store) -> Iterator[subprocess.Popen[str]]:
    """A process that owns a task and was stopped (SIGSTOP, a laptop's lid)."""
    Tasks(store).insert(new_task())
    with subprocess.Popen(
        [sys.executable, "-m", "tests.durability.owner", str(store.home.root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "owns\n"
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            yield process
        finally:
            process.kill()


def woken(process: subprocess.Popen[str]) -> list[str]:
    """Which of the late writes of a process that goes on were refused."""
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate("go on\n", timeout=100)
    refused: list[str] = json.loads(out)
    return refused


def test_an_owner_that_was_stopped_past_its_lease_writes_nothing_when_it_goes_on(
    store: Store, stopped: subprocess.Popen[str]
) -> None:
    me = Processes(store).register("test")
    (orphan,) = Processes(store).owned()
    assert orphan.owner_alive is False
    lease = Processes(store).take_over(orphan, me)
    assert lease is not None
    Logs(store).open(lease.n, 1, lease.fence)
    before = Tasks(store).get(lease.task.id), store.queue.rows("SELECT * FROM attempt, effect")

    refused = woken(stopped)

    assert refused == WRITES
    assert (Tasks(store).get(lease.task.id), store.queue.rows("SELECT * FROM attempt, effect")) == before
    assert Logs(store).append(lease.n, lease.fence, [Entry(at=1, stream=Stream.SYS, text="mine")]) == 1


def test_an_owner_that_was_stopped_and_is_not_missed_goes_on(store: Store, stopped: subprocess.Popen[str]) -> None:
    assert woken(stopped) == ["settle"]  # it had put the task back before it tried to end it
    assert Tasks(store).select()[0].status is Status.QUEUED


class Jumping(SystemClock):
    """A wall clock that somebody sets."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


@pytest.mark.parametrize("hours", [1, -1])
def test_a_task_is_done_once_under_a_clock_that_jumps(tmp_path: Path, hours: int) -> None:
    clock, executor = Jumping(), StandIn()
    with opened_bench(tmp_path, executor, clock=clock) as bench:

        def jump(task: str) -> None:
            clock.ahead_ms = hours * 3_600_000

        at = At("agent", jump)
        task = queue(bench, repository(tmp_path)).id
        with Supervisor(bench, kind="test", say=at):
            ended = settled(bench, task)

        assert (at.reached.is_set(), ended.status, ended.attempts) == (True, Status.COMPLETED, 1)
        assert len(executor.jobs) == 1
        assert "completed" in log_of(bench, task)[-1]
