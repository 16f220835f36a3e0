"""What the owner of a running task writes, and what of it can be written twice."""

from __future__ import annotations

import pytest

from pithy_local.errors import Cancelled, LeaseLost
from pithy_local.models import Patch, Phase, Status, TaskError
from pithy_local.store import Store
from pithy_local.store.calls import Calls, Reservation
from pithy_local.store.lease import Lease
from pithy_local.store.processes import Processes
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.store.conftest import take_up

SHA = "b" * 40
PATCH = Patch(path="artifacts/x/1/patch.diff", bytes=10, files=1, added=2, removed=3)
ERROR = TaskError(code="awaiting_review", message="m", hint="h")
ASKED = Reservation(provider="openai", model="m", input_tokens=30, output_tokens=12)


def claimed_again(store: Store, lease: Lease) -> Lease:
    task = take_up(store, lease.owner)
    assert task is not None
    return Lease(store, task, lease.owner)


def test_a_push_that_was_done_may_be_done_again_by_who_goes_on_with_the_delivery(store: Store, lease: Lease) -> None:
    lease.record_commit(SHA)
    lease.enter(Phase.DELIVERING)
    for effect in ("push", "pr"):
        lease.intend(effect, "pj/x")
        lease.done(effect, "pj/x", "first")
    lease.hand_back()

    again = claimed_again(store, lease)
    for effect in ("push", "pr"):
        again.intend(effect, "pj/x")
        again.done(effect, "pj/x", "second")

    rows = store.queue.rows("SELECT tries, result FROM effect ORDER BY kind")
    assert [tuple(row) for row in rows] == [(2, "first"), (2, "first")]


def test_a_task_that_was_cancelled_meanwhile_is_not_queued_again(tasks: Tasks, lease: Lease) -> None:
    tasks.request_cancel(lease.task.id)

    with pytest.raises(Cancelled):
        lease.requeue(not_before=10**15)

    lease.settle(Status.CANCELLED)
    assert tasks.get(lease.task.id).status is Status.CANCELLED


def test_who_lost_the_lease_queues_nothing(store: Store, lease: Lease) -> None:
    lease.requeue()

    with pytest.raises(LeaseLost):
        lease.requeue()


@pytest.mark.parametrize("end", [lambda lease: lease.settle(Status.FAILED), lambda lease: lease.requeue()])
def test_a_call_whose_settlement_could_not_be_written_is_charged_when_the_attempt_ends(
    store: Store, lease: Lease, end: object
) -> None:
    calls = Calls(store, lease.n, 1)
    assert isinstance(calls.reserve(ASKED, token_limit=40), int)
    assert calls.reserve(ASKED, token_limit=40) == "wait"

    assert callable(end)
    end(lease)

    assert calls.tokens_used() == 42
    assert calls.reserve(ASKED, token_limit=40) == "token_limit"


def test_calls_of_a_later_attempt_are_not_touched_by_the_end_of_an_earlier_one(store: Store, lease: Lease) -> None:
    assert isinstance(Calls(store, lease.n, 2).reserve(ASKED, token_limit=100), int)

    Calls(store, lease.n, 1).abandon()

    assert Calls(store, lease.n, 1).tokens_used() == 0


def test_an_accepted_change_that_was_delivered_shows_no_error_of_its_review(
    store: Store, tasks: Tasks, lease: Lease
) -> None:
    lease.record_patch(PATCH)
    lease.settle(Status.NEEDS_REVIEW, ERROR)
    Settled(store).accept(lease.task.id)
    again = claimed_again(store, lease)
    again.record_commit(SHA)

    again.settle(Status.COMPLETED)

    [attempt] = tasks.attempts(lease.task.id)
    assert (attempt.outcome, attempt.error) == ("completed", None)


def test_the_dead_are_found_and_tasks_removed_without_reading_every_task(store: Store) -> None:
    """At 100,000 tasks each of these took 25 to 40 ms, with the write lock held."""
    for sql in (
        "SELECT id FROM process WHERE NOT EXISTS (SELECT 1 FROM task WHERE owner = process.id)",
        "SELECT 1 FROM task WHERE after_task = 'x'",
        "SELECT 1 FROM notification WHERE task = 1",
    ):
        plan = [row["detail"] for row in store.queue.rows(f"EXPLAIN QUERY PLAN {sql}")]
        assert not [step for step in plan if step in ("SCAN task", "SCAN notification")], plan


def test_a_process_that_works_is_no_dead_one(store: Store, lease: Lease) -> None:
    processes = Processes(store)
    processes.forget_dead()

    [owned] = processes.owned()
    assert (owned.task.id, owned.owner_alive) == (lease.task.id, True)
