"""The queue: what goes in comes out once, in order, within the home's concurrency."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pithy_local.clock import new_task_id
from pithy_local.errors import NoSuchTask, Refused, UsageError
from pithy_local.models import Status
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import Tasks
from tests.store.conftest import HandClock, new_task

CLAIM_ALL = """
import sys
from pathlib import Path
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from pithy_local.models import Status
store = Store(Home(root=Path(sys.argv[1])))
owner = Processes(store).register("test")
while (task := Tasks(store).claim(owner, executors=["docker"], concurrency=8)) is not None:
    print(task.id, flush=True)
    Lease(store, task, owner).settle(Status.FAILED)
store.close()
"""


def test_a_new_task_is_queued_with_its_first_attempt(tasks: Tasks) -> None:
    task = tasks.insert(new_task("Fix it"))

    assert (task.status, task.attempts, task.branch) == (Status.QUEUED, 1, f"pj/{task.id}")
    assert [attempt.number for attempt in tasks.attempts(task.id)] == [1]


def test_ids_sort_by_time_and_have_ten_characters() -> None:
    ids = [new_task_id(1_800_000_000_000 + step, noise=255 - step) for step in range(200)]

    assert ids == sorted(ids)
    assert {len(task_id) for task_id in ids} == {10}


def test_many_tasks_in_one_millisecond_get_different_ids(tasks: Tasks) -> None:
    ids = {tasks.insert(new_task()).id for _ in range(300)}

    assert len(ids) == 300


def test_claim_takes_the_highest_priority_then_the_oldest(tasks: Tasks, owner: str) -> None:
    low, high, later = (tasks.insert(new_task(priority=priority)) for priority in (0, 5, 5))

    claimed = [tasks.claim(owner, executors=["docker"], concurrency=9) for _ in range(4)]

    assert [task.id if task else None for task in claimed] == [high.id, later.id, low.id, None]


def test_claim_keeps_to_the_homes_concurrency(tasks: Tasks, owner: str) -> None:
    for _ in range(3):
        tasks.insert(new_task())

    claimed = [tasks.claim(owner, executors=["docker"], concurrency=2) for _ in range(3)]

    assert [task is not None for task in claimed] == [True, True, False]


def test_claim_takes_only_what_the_executors_can_run(tasks: Tasks, owner: str) -> None:
    tasks.insert(new_task(executor="docker"))
    local = tasks.insert(new_task(executor="local"))

    claimed = tasks.claim(owner, executors=["local"], concurrency=9)

    assert claimed is not None
    assert claimed.id == local.id


def test_claim_can_be_limited_to_some_ids(tasks: Tasks, owner: str) -> None:
    tasks.insert(new_task())
    wanted = tasks.insert(new_task())

    claimed = tasks.claim(owner, executors=["docker"], concurrency=9, ids=[wanted.id])

    assert claimed is not None
    assert claimed.id == wanted.id


def test_no_task_is_claimed_twice_by_four_processes(store: Store, tasks: Tasks) -> None:
    ids = {tasks.insert(new_task()).id for _ in range(60)}
    command = [sys.executable, "-c", CLAIM_ALL, str(store.home.root)]

    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    claimed = [line for worker in workers for line in worker.communicate()[0].split()]

    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert sorted(claimed) == sorted(ids)


def test_undone_is_what_waits_for_these_executors_and_what_runs_anywhere(tasks: Tasks, lease: Lease) -> None:
    waiting, other = tasks.insert(new_task(executor="local")), tasks.insert(new_task(executor="elsewhere"))
    done = tasks.insert(new_task())
    tasks.request_cancel(done.id)

    assert tasks.undone(["local"]) == 2
    assert [tasks.undone(["local"], [task.id]) for task in (lease.task, waiting, other, done)] == [1, 1, 0, 0]


def test_find_takes_a_unique_prefix(tasks: Tasks) -> None:
    task = tasks.insert(new_task())

    assert tasks.find(task.id[:9]).id in {task.id}


def test_find_refuses_a_prefix_that_fits_two(tasks: Tasks, clock: HandClock) -> None:
    tasks.insert(new_task())
    clock.sleep(0.001)
    tasks.insert(new_task())

    with pytest.raises(UsageError, match="fits more than one task"):
        tasks.find(tasks.select()[0].id[:4])


@pytest.mark.parametrize("ref", ["", "zzzz", "%", "_", "' OR 1=1", "../x"])
def test_find_knows_no_such_task(tasks: Tasks, ref: str) -> None:
    tasks.insert(new_task())

    with pytest.raises(NoSuchTask):
        tasks.find(ref)


def test_cancel_ends_a_queued_task_at_once(tasks: Tasks) -> None:
    task = tasks.insert(new_task())

    cancelled = tasks.request_cancel(task.id)

    assert (cancelled.status, cancelled.error) == (Status.CANCELLED, None)


def test_cancel_asks_the_owner_of_a_running_task(tasks: Tasks, lease: Lease) -> None:
    asked = tasks.request_cancel(lease.task.id)

    assert (asked.status, asked.cancel_requested) == (Status.RUNNING, True)


def test_cancel_of_a_settled_task_is_refused(tasks: Tasks) -> None:
    task = tasks.insert(new_task())
    tasks.request_cancel(task.id)

    with pytest.raises(Refused, match="cancelled already"):
        tasks.request_cancel(task.id)


def test_the_home_keeps_one_instance_name(store: Store, tasks: Tasks, tmp_path: Path) -> None:
    again = Store(store.home)

    assert Tasks(again).instance == tasks.instance
    assert len(tasks.instance) == 6
    again.close()
