"""`--after`: a task starts when another one has completed, and ends with it where that fails."""

from __future__ import annotations

import pytest

from pithy_local.errors import NoSuchTask, Refused
from pithy_local.models import Phase, Status, Task, TaskError
from pithy_local.store import Store
from pithy_local.store.database import StoreRuleError
from pithy_local.store.lease import Lease
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.store.conftest import HandClock, new_task

SHA = "a" * 40
ERROR = TaskError(code="timeout", message="m", hint="h")


def claim(tasks: Tasks, owner: str) -> Task | None:
    return tasks.claim(owner, executors=["docker"], concurrency=99)


def chain(tasks: Tasks, first: str, length: int) -> list[Task]:
    """Tasks that start one after the other, the first of them after `first`."""
    made: list[Task] = []
    for _ in range(length):
        made.append(tasks.insert(new_task(after=made[-1].id if made else first)))
    return made


def test_it_is_not_claimed_before_the_other_one_completed(tasks: Tasks, lease: Lease, owner: str) -> None:
    waits = tasks.insert(new_task(after=lease.task.id))
    assert (waits.after, waits.blocked, waits.to_json()["after"]) == (lease.task.id, True, lease.task.id)
    assert claim(tasks, owner) is None
    assert [task.id for task in tasks.waiting()] == [waits.id]

    lease.record_commit(SHA)
    lease.settle(Status.COMPLETED)

    claimed = claim(tasks, owner)
    assert claimed is not None
    assert (claimed.id, claimed.blocked, claimed.after) == (waits.id, False, lease.task.id)


def test_naming_it_does_not_start_it_earlier(tasks: Tasks, lease: Lease, owner: str) -> None:
    waits = tasks.insert(new_task(after=lease.task.id))

    assert tasks.claim(owner, executors=["docker"], concurrency=99, ids=[waits.id]) is None


def test_after_a_completed_task_it_starts_at_once(tasks: Tasks, lease: Lease) -> None:
    lease.record_commit(SHA)
    lease.settle(Status.COMPLETED)

    assert not tasks.insert(new_task(after=lease.task.id)).blocked


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_what_waits_for_a_task_that_ends_otherwise_is_cancelled_with_it(
    tasks: Tasks, lease: Lease, clock: HandClock, status: Status
) -> None:
    """Directly or through others, in the same transaction; what waits for something else goes on waiting."""
    first, second, third = chain(tasks, lease.task.id, 3)
    beside = tasks.insert(new_task(after=lease.task.id))
    other = tasks.insert(new_task())
    untouched = tasks.insert(new_task(after=other.id))
    clock.sleep(1)

    lease.settle(status, ERROR)

    ended = [tasks.get(task.id) for task in (first, second, third, beside)]
    assert {(task.status, task.finished_at) for task in ended} == {(Status.CANCELLED, clock.now)}
    errors = [task.error for task in ended]
    assert [error.code for error in errors if error] == ["dependency_failed"] * 4
    assert [error.detail["after"] for error in errors if error] == [
        lease.task.id, first.id, second.id, lease.task.id
    ]  # fmt: skip
    assert errors[0] is not None
    assert errors[0].message == f"task {lease.task.id}, which this one was to start after, did not complete"
    assert errors[0].hint == f"`pithy-local retry {lease.task.id}`, then `pithy-local retry {first.id}`."
    assert (tasks.get(untouched.id).status, tasks.get(untouched.id).blocked) == (Status.QUEUED, True)


def test_a_cancelled_task_takes_along_what_waits_for_it(store: Store, tasks: Tasks) -> None:
    task = tasks.insert(new_task())
    waits, last = chain(tasks, task.id, 2)

    tasks.request_cancel(waits.id)

    assert (tasks.get(waits.id).error, tasks.get(waits.id).status) == (None, Status.CANCELLED)
    assert tasks.get(last.id).status is Status.CANCELLED
    assert tasks.get(task.id).status is Status.QUEUED
    told = store.queue.rows("SELECT t.id FROM notification JOIN task t ON t.n = task ORDER BY t.n")
    assert [row["id"] for row in told] == [waits.id, last.id]


def test_what_ends_with_a_task_is_known_before_and_after(tasks: Tasks, lease: Lease, clock: HandClock) -> None:
    earlier, waits = (tasks.insert(new_task(after=lease.task.id)) for _ in range(2))
    last = chain(tasks, waits.id, 1)[0]
    tasks.insert(new_task())
    tasks.request_cancel(earlier.id)
    clock.sleep(1)

    tasks.request_cancel(lease.task.id)
    while_it_runs = tasks.taken_along(lease.task.id)
    lease.settle(Status.CANCELLED)
    ended = tasks.taken_along(lease.task.id)

    assert [(task.id, task.status) for task in while_it_runs] == [(waits.id, Status.QUEUED), (last.id, Status.QUEUED)]
    assert [(task.id, task.status) for task in ended] == [(waits.id, Status.CANCELLED), (last.id, Status.CANCELLED)]
    assert tasks.taken_along(last.id) == []


def test_a_long_chain_ends_in_one_step(store: Store, tasks: Tasks) -> None:
    """Triggers that fired themselves would stop at a depth of a thousand, and nothing could settle."""
    task = tasks.insert(new_task())
    last = task.id
    with store.queue.transaction():
        for _ in range(1_100):
            last = tasks._insert(new_task(after=last), blocked=True)

    tasks.request_cancel(task.id)

    assert tasks.get(last).status is Status.CANCELLED
    assert tasks.counts() == {Status.CANCELLED: 1_101}


@pytest.mark.parametrize("status", [Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION])
def test_it_waits_on_while_the_other_one_waits_for_a_person(tasks: Tasks, lease: Lease, status: Status) -> None:
    waits = tasks.insert(new_task(after=lease.task.id))

    lease.settle(status, ERROR, question="which?" if status is Status.NEEDS_CLARIFICATION else None)
    assert tasks.get(waits.id).blocked

    tasks.request_cancel(lease.task.id)  # what `reject` does
    assert tasks.get(waits.id).status is Status.CANCELLED


def test_it_waits_on_while_the_other_one_is_tried_again(store: Store, tasks: Tasks, lease: Lease) -> None:
    waits = tasks.insert(new_task(after=lease.task.id))
    lease.settle(Status.NEEDS_REVIEW, ERROR)

    Settled(store).again(lease.task.id, feedback="x")

    assert tasks.get(waits.id).blocked


def test_nothing_can_start_after_a_task_that_failed(tasks: Tasks, lease: Lease) -> None:
    lease.settle(Status.FAILED, ERROR)

    with pytest.raises(Refused, match=f"task {lease.task.id} is failed: nothing can start after it") as refused:
        tasks.insert(new_task(after=lease.task.id))

    assert refused.value.hint == f"`pithy-local retry {lease.task.id}` queues it again."
    assert tasks.counts() == {Status.FAILED: 1}


def test_nothing_can_start_after_a_task_that_is_not_there(tasks: Tasks) -> None:
    with pytest.raises(NoSuchTask):
        tasks.insert(new_task(after="0000000000"))


def test_one_that_was_cancelled_with_the_other_can_be_tried_again_after_it(
    store: Store, tasks: Tasks, lease: Lease
) -> None:
    settled, waits = Settled(store), tasks.insert(new_task(after=lease.task.id))
    lease.settle(Status.FAILED, ERROR)
    with pytest.raises(Refused, match=f"task {lease.task.id} is failed"):
        settled.again(waits.id)

    settled.again(lease.task.id)
    again = settled.again(waits.id)

    assert (again.status, again.blocked, again.error) == (Status.QUEUED, True, None)


def test_a_task_that_others_wait_for_is_not_removed(store: Store, tasks: Tasks, lease: Lease) -> None:
    waits = tasks.insert(new_task(after=lease.task.id))
    lease.settle(Status.NEEDS_REVIEW, ERROR)

    with pytest.raises(Refused, match=f"task {lease.task.id} is waited for by {waits.id}"):
        Settled(store).remove(lease.task.id)

    assert Settled(store).before(1 << 60) == []
    with pytest.raises(StoreRuleError, match="other tasks wait for this one"):
        store.queue.write("DELETE FROM task WHERE id = ?", (lease.task.id,))


def test_a_task_whose_followers_have_ended_is_removed(store: Store, tasks: Tasks, lease: Lease) -> None:
    waits = tasks.insert(new_task(after=lease.task.id))
    lease.settle(Status.FAILED, ERROR)

    Settled(store).remove(lease.task.id)

    assert tasks.get(waits.id).after is None
    assert not Settled(store).again(waits.id).blocked


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE task SET after_task = id", "what a task starts after does not change"),
        ("UPDATE task SET blocked = 2", "CHECK constraint failed"),
        ("UPDATE task SET after_task = NULL WHERE blocked", "CHECK constraint failed"),
        ("UPDATE task SET status = 'running', phase = 'preparing' WHERE blocked", "CHECK constraint failed"),
    ],
)
def test_the_order_is_kept_by_the_schema(store: Store, tasks: Tasks, sql: str, rule: str) -> None:
    chain(tasks, tasks.insert(new_task()).id, 1)

    with pytest.raises(StoreRuleError, match=rule):
        store.queue.write(sql)


def test_execute_starts_it_whatever_it_waits_for(store: Store, tasks: Tasks, lease: Lease, clock: HandClock) -> None:
    waits = tasks.insert(new_task(after=lease.task.id, not_before=clock.now + 60_000))

    started = tasks.execute(waits.id)

    assert (started.status, started.phase, started.blocked, started.not_before) == (
        Status.RUNNING, Phase.PREPARING, False, 0
    )  # fmt: skip
    assert started.started_at == clock.now
    kinds = [row["body"] for row in store.queue.rows(
        "SELECT body FROM event JOIN task ON task.n = event.task WHERE task.id = ? ORDER BY event.id", (waits.id,)
    )]  # fmt: skip
    assert [body.replace('"', "") for body in kinds] == [
        "{to:queued}", "{from:queued,to:running,fence:1}", "{phase:preparing,fence:1}"
    ]  # fmt: skip
    lease.settle(Status.FAILED, ERROR)
    assert tasks.get(waits.id).status is Status.RUNNING


@pytest.mark.parametrize("status", [Status.FAILED, Status.NEEDS_REVIEW, Status.CANCELLED])
def test_only_a_queued_task_is_executed(tasks: Tasks, lease: Lease, status: Status) -> None:
    with pytest.raises(Refused, match="is running: only a queued one can be executed"):
        tasks.execute(lease.task.id)

    lease.settle(status)

    with pytest.raises(Refused, match=f"is {status.value}: only a queued one"):
        tasks.execute(lease.task.id)


@pytest.mark.parametrize(("phase", "ended"), [
    ("preparing", True), ("agent", False), ("collecting", False), ("verifying", False), ("delivering", True),
])  # fmt: skip
def test_a_task_without_an_owner_is_cancelled_at_once_where_nothing_of_it_is_left(
    store: Store, tasks: Tasks, lease: Lease, phase: str, ended: bool
) -> None:
    lease.enter(Phase(phase))
    store.queue.write("UPDATE task SET owner = NULL, lease_until = NULL")

    task = tasks.request_cancel(lease.task.id)

    assert (task.status is Status.CANCELLED) == ended
    assert task.cancel_requested


def test_a_task_that_runs_elsewhere_is_cancelled_at_once(store: Store, tasks: Tasks, lease: Lease) -> None:
    lease.enter(Phase.AGENT)
    store.queue.write("UPDATE task SET executor = 'elsewhere', owner = NULL, lease_until = NULL")

    assert tasks.request_cancel(lease.task.id).status is Status.CANCELLED
