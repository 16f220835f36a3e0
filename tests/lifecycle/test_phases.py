"""A cancel, a stop and a lost lease at every point of an attempt, with the real `local` executor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.clock import ProcessIdentity
from pithy_local.lifecycle.supervisor import Supervisor
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, Stop
from pithy_local.store.logs import Logs
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import At, opened_bench, queue, settled
from tests.support import branch_sha, git, wait_until

BEFORE_DELIVERY = ["started", "starting", "agent", "collecting", "verifying"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with opened_bench(tmp_path) as opened:
        yield opened


def left(bench: Workbench) -> list[str]:
    return [str(path) for path in bench.home.scratch.iterdir()]


def last_line(bench: Workbench, task: str) -> str:
    return Logs(bench.store).page(task)[-1].text


@pytest.mark.parametrize("point", BEFORE_DELIVERY)
def test_a_cancel_before_the_delivery_ends_the_attempt(bench: Workbench, repo: Path, point: str) -> None:
    tasks = Tasks(bench.store)

    def cancel_twice(task: str) -> None:
        tasks.request_cancel(task)
        wait_until(lambda: tasks.get(task).phase is Phase.CANCELLING)
        tasks.request_cancel(task)

    at = At(point, cancel_twice)
    task = queue(bench, repo).id
    with Supervisor(bench, kind="test", say=at, ids=[task]):
        ended = settled(bench, task)

    assert at.reached.is_set()
    assert (ended.status, ended.error) == (Status.CANCELLED, None)
    assert (left(bench), branch_sha(repo, ended.branch)) == ([], None)
    assert last_line(bench, task) == "cancelled"


def test_a_cancel_during_the_delivery_comes_too_late(bench: Workbench, repo: Path) -> None:
    tasks = Tasks(bench.store)

    def cancel(task: str) -> None:
        tasks.request_cancel(task)

    at = At("delivering", cancel)
    task = queue(bench, repo).id
    with Supervisor(bench, kind="test", say=at, ids=[task]):
        ended = settled(bench, task)

    assert ended.status is Status.COMPLETED
    assert branch_sha(repo, ended.branch) == ended.head_sha
    phases = bench.store.queue.rows("SELECT json_extract(body, '$.phase') AS p FROM event WHERE kind = 'phase'")
    assert [row["p"] for row in phases][-1] == "delivering"


@pytest.mark.parametrize("point", BEFORE_DELIVERY)
def test_a_stop_before_the_delivery_cancels(bench: Workbench, repo: Path, point: str) -> None:
    tasks = Tasks(bench.store)

    def hold(task: str) -> None:
        wait_until(lambda: tasks.get(task).phase is Phase.CANCELLING)

    at = At(point, hold)
    task = queue(bench, repo).id
    supervisor = Supervisor(bench, kind="test", say=at)
    supervisor.start()
    assert at.reached.wait(60)

    supervisor.stop()

    assert (tasks.get(task).status, supervisor.running, left(bench)) == (Status.CANCELLED, 0, [])


def test_a_stop_during_the_delivery_waits_for_it(bench: Workbench, repo: Path) -> None:
    stopping = threading.Event()

    def hold(task: str) -> None:
        stopping.wait(60)

    at = At("delivering", hold)
    task = queue(bench, repo).id
    supervisor = Supervisor(bench, kind="test", say=at)
    supervisor.start()
    assert at.reached.wait(60)
    stopper = threading.Thread(target=supervisor.stop)
    stopper.start()

    stopping.set()
    stopper.join(60)

    assert (Tasks(bench.store).get(task).status, stopper.is_alive()) == (Status.COMPLETED, False)


def test_a_stop_that_does_not_cancel_waits(bench: Workbench, repo: Path) -> None:
    at = At("agent", lambda task: None)
    first, second = queue(bench, repo).id, queue(bench, repo, priority=-1).id
    supervisor = Supervisor(bench, kind="test", say=at, jobs=1)
    supervisor.start()
    assert at.reached.wait(60)

    supervisor.stop(Stop.DRAIN)

    tasks = Tasks(bench.store)
    assert [tasks.get(task).status for task in (first, second)] == [Status.COMPLETED, Status.QUEUED]


class Thief:
    """Another process takes the task over, and remembers how it took it."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.found: list[list[tuple[object, ...]]] = []
        self.last_seq = -1

    def __call__(self, task: str) -> None:
        store, me = self._bench.store, ProcessIdentity.current()
        store.queue.write("INSERT INTO process VALUES ('thief', 'test', ?, ?, ?, 1)", (me.pid, me.started, me.boot_id))
        store.queue.write("UPDATE task SET owner = 'thief', fence = fence + 1, lease_until = 1 << 60")
        [row] = store.queue.rows("SELECT n, fence FROM task")
        Logs(store).open(row["n"], 1, row["fence"])
        self.last_seq = Logs(store).last_seq(task)
        self.found = self.state()

    def state(self) -> list[list[tuple[object, ...]]]:
        """Every row that only an owner may write."""
        queue = self._bench.store.queue
        return [[tuple(row) for row in queue.rows(f"SELECT * FROM {table}")] for table in
                ("task", "attempt", "effect", "event")]  # fmt: skip


@pytest.mark.parametrize("point", [*BEFORE_DELIVERY, "delivering"])
def test_who_has_lost_the_lease_writes_nothing_and_leaves_nothing(bench: Workbench, repo: Path, point: str) -> None:
    thief = Thief(bench)
    at = At(point, thief)
    task = queue(bench, repo)
    with Supervisor(bench, kind="test", say=at) as supervisor:
        assert at.reached.wait(60)
        wait_until(lambda: supervisor.running == 0)

        assert thief.state() == thief.found
        assert Logs(bench.store).last_seq(task.id) == thief.last_seq
        assert (left(bench), branch_sha(repo, task.branch)) == ([], None)


def test_what_git_keeps_for_a_task_stays_for_its_new_owner(bench: Workbench, repo: Path) -> None:
    at = At("agent", Thief(bench))
    task = queue(bench, repo)
    with Supervisor(bench, kind="test", say=at) as supervisor:
        assert at.reached.wait(60)
        wait_until(lambda: supervisor.running == 0)

    [mirror] = bench.home.mirrors.glob("*/repo.git")
    assert git("for-each-ref", "--format=%(refname)", "refs/pithy", cwd=mirror) == f"refs/pithy/{task.id}/base"
