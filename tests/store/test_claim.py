"""What a claim takes, leaves and reads: parked tasks, a repository's own limit, priorities, keys that count once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pithy_local.models import Phase, Status
from pithy_local.store import Store
from pithy_local.store.holds import Holds
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import KeyTaken, Tasks
from tests.store.conftest import HandClock, new_task

MINUTE = 60_000
ADD_WITH_A_KEY = """
import sys
from pathlib import Path
from pithy_local.models import NewTask
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.tasks import KeyTaken, Tasks
store = Store(Home(root=Path(sys.argv[1])))
new = NewTask(title="t", prompt="p", repo="acme/api", executor="docker", provider="openai", model="m",
              idempotency_key="the same")
sys.stdin.readline()
try:
    print("new", Tasks(store).insert(new).id)
except KeyTaken:
    print("known", Tasks(store).with_key("the same").id)
"""


def test_a_parked_task_is_claimed_when_its_time_has_come(tasks: Tasks, owner: str, clock: HandClock) -> None:
    parked = tasks.insert(new_task(not_before=clock.now + MINUTE))
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    assert (tasks.queued(["docker"]), tasks.claimable(["docker"]), tasks.undone(["docker"])) == (0, False, 0)

    clock.sleep(60)
    assert (tasks.queued(["docker"]), tasks.claimable(["docker"]), tasks.undone(["docker"])) == (1, True, 1)
    assert tasks.waiting() == []
    claimed = tasks.claim(owner, executors=["docker"], concurrency=9)

    assert claimed is not None
    assert (claimed.id, claimed.not_before) == (parked.id, 0)


def test_a_parked_task_that_was_named_waits_all_the_same(tasks: Tasks, owner: str, clock: HandClock) -> None:
    parked = tasks.insert(new_task(not_before=clock.now + MINUTE))
    assert tasks.claim(owner, executors=["docker"], concurrency=9, ids=[parked.id]) is None
    assert not tasks.claimable(["docker"], [parked.id])

    clock.sleep(60)

    assert tasks.claimable(["docker"], [parked.id])
    assert tasks.claim(owner, executors=["docker"], concurrency=9, ids=[parked.id, parked.id]) is not None


def test_among_those_whose_time_has_come_the_priority_decides(tasks: Tasks, owner: str, clock: HandClock) -> None:
    ready = tasks.insert(new_task(priority=1))
    parked = [tasks.insert(new_task(priority=number, not_before=clock.now + MINUTE)) for number in (0, 2)]
    clock.sleep(60)

    claimed = [tasks.claim(owner, executors=["docker"], concurrency=9) for _ in range(3)]

    assert [task.id for task in claimed if task] == [parked[1].id, ready.id, parked[0].id]


def test_one_repository_takes_no_more_than_its_share(tasks: Tasks, owner: str) -> None:
    crowd = [tasks.insert(new_task(priority=5)) for _ in range(3)]
    other = tasks.insert(new_task(repo="acme/web"))

    claimed = [tasks.claim(owner, executors=["docker"], concurrency=9, per_repo=2) for _ in range(4)]

    assert [task.id if task else None for task in claimed] == [crowd[0].id, crowd[1].id, other.id, None]
    assert tasks.claim(owner, executors=["docker"], concurrency=9, per_repo=2, ids=[crowd[2].id]) is None
    assert tasks.claim(owner, executors=["docker"], concurrency=9, per_repo=3) is not None


def test_a_sandbox_without_an_owner_keeps_its_slot(store: Store, tasks: Tasks, lease: Lease, owner: str) -> None:
    tasks.insert(new_task())
    lease.enter(Phase.AGENT)
    store.queue.write("UPDATE task SET owner = NULL, lease_until = NULL WHERE status = 'running'")

    assert tasks.claim(owner, executors=["docker"], concurrency=1) is None
    assert tasks.claim(owner, executors=["docker"], concurrency=9, per_repo=1) is None
    assert tasks.claim(owner, executors=["docker"], concurrency=2) is not None


def test_a_pause_leaves_what_was_named(store: Store, tasks: Tasks, owner: str) -> None:
    task = tasks.insert(new_task())
    Holds(store).pause()
    assert (tasks.queued(["docker"]), tasks.claimable(["docker"])) == (0, False)
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    assert (tasks.queued(["docker"], [task.id]), tasks.claimable(["docker"], [task.id])) == (1, True)

    assert tasks.claim(owner, executors=["docker"], concurrency=9, ids=[task.id]) is not None


@pytest.mark.parametrize("hold", ["not_before", "after_task"])
def test_a_claim_does_not_read_what_waits(store: Store, tasks: Tasks, owner: str, hold: str) -> None:
    """Counted in SQLite's own steps, which no load of the machine changes."""
    first = tasks.insert(new_task())
    tasks.claim(owner, executors=["docker"], concurrency=9)
    before = _steps(store, tasks, owner)

    with store.queue.transaction():
        for number in range(2_000):
            changes: dict[str, object] = {"not_before": 1 << 60} if hold == "not_before" else {"after": first.id}
            tasks._insert(new_task(f"Task {number}", **changes), blocked=hold == "after_task")

    assert _steps(store, tasks, owner) <= before + 10


def _steps(store: Store, tasks: Tasks, owner: str) -> int:
    """Hundreds of instructions of SQLite's machine that a claim takes which finds nothing."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    store.queue.raw.set_progress_handler(count, 100)
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    assert not tasks.claimable(["docker"])
    store.queue.raw.set_progress_handler(None, 0)
    return steps


def test_an_idempotency_key_is_taken_once(tasks: Tasks) -> None:
    task = tasks.insert(new_task(idempotency_key="k1"))

    with pytest.raises(KeyTaken):
        tasks.insert(new_task(idempotency_key="k1"))

    found = tasks.with_key("k1")
    assert found is not None
    assert (found.id, tasks.with_key("k2"), tasks.counts()) == (task.id, None, {Status.QUEUED: 1})


def test_twenty_processes_with_one_key_add_one_task(store: Store, tasks: Tasks) -> None:
    command = [sys.executable, "-c", ADD_WITH_A_KEY, str(store.home.root)]
    adders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(20)
    ]  # fmt: skip
    for adder in adders:  # all are ready to add: now, all at once
        assert adder.stdin is not None
        adder.stdin.write("\n")
        adder.stdin.flush()
    said = [adder.communicate()[0].split() for adder in adders]

    assert [adder.returncode for adder in adders] == [0] * 20
    assert sorted(word for word, _ in said) == ["known"] * 19 + ["new"]
    assert {task_id for _, task_id in said} == {task.id for task in tasks.select()}
