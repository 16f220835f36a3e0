"""What can be done with a settled task, and what cannot."""

from __future__ import annotations

import pytest

from pithy_local.errors import NoSuchTask, Refused
from pithy_local.models import Patch, Phase, Status, Stream, TaskError, Verified
from pithy_local.store import Store
from pithy_local.store.holds import Holds
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.store.conftest import HandClock, new_task, take_up

SHA = "a" * 40
PATCH = Patch(path="artifacts/x/1/patch.diff", bytes=10, files=1, added=2, removed=3)
ERROR = TaskError(code="policy", message="m", hint="h")


@pytest.fixture
def settled(store: Store) -> Settled:
    return Settled(store)


def reviewed(lease: Lease) -> str:
    """The lease's task with a change that a person must look at."""
    lease.pin_base("main", SHA)
    lease.record_patch(PATCH)
    lease.settle(Status.NEEDS_REVIEW, ERROR)
    return lease.task.id


@pytest.mark.parametrize("status", [Status.FAILED, Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION, Status.CANCELLED])
def test_again_is_a_new_attempt_with_what_the_user_said(
    settled: Settled, tasks: Tasks, lease: Lease, status: Status
) -> None:
    lease.settle(status, question="which?" if status is Status.NEEDS_CLARIFICATION else None)

    task = settled.again(lease.task.id, feedback="the first")

    assert (task.status, task.attempts, task.cancel_requested, task.finished_at) == (Status.QUEUED, 2, False, None)
    first, second = tasks.attempts(task.id)
    assert (first.outcome, second.outcome, second.feedback, second.redelivery) == (status, None, "the first", False)
    assert task.question is None


def test_a_redelivery_takes_diff_base_and_evidence_of_the_attempt_before(
    settled: Settled, tasks: Tasks, lease: Lease
) -> None:
    lease.pin_base("main", SHA)
    lease.record_patch(PATCH)
    lease.record_verify([Verified(command="pytest -q", base_exit=1, patch_exit=0, seconds=2.0)])
    lease.record_commit("b" * 40)
    lease.settle(Status.FAILED, ERROR)

    settled.again(lease.task.id, redeliver=True)

    attempt = tasks.attempts(lease.task.id)[1]
    assert (attempt.redelivery, attempt.base_sha, attempt.patch, attempt.head_sha) == (True, SHA, PATCH, None)
    assert [verified.command for verified in attempt.verify] == ["pytest -q"]


def test_what_is_queued_or_running_is_not_done_again(settled: Settled, lease: Lease) -> None:
    with pytest.raises(Refused, match="is running"):
        settled.again(lease.task.id)
    with pytest.raises(Refused, match="is running"):
        settled.remove(lease.task.id)
    lease.requeue()
    with pytest.raises(Refused, match="is queued"):
        settled.again(lease.task.id)


def test_an_accepted_change_waits_for_whoever_delivers_it(
    settled: Settled, tasks: Tasks, lease: Lease, owner: str, store: Store
) -> None:
    task = settled.accept(reviewed(lease))

    assert (task.status, task.phase, task.error, task.attempts) == (Status.RUNNING, Phase.DELIVERING, None, 1)
    assert tasks.undone(["docker"]) == 1
    claimed = take_up(store, owner)
    assert claimed is not None
    assert claimed.fence > lease.fence
    assert take_up(store, owner) is None
    again = Lease(store, claimed, owner)
    again.record_commit("b" * 40)
    again.settle(Status.COMPLETED)
    assert (tasks.get(task.id).status, tasks.attempts(task.id)[0].outcome) == (Status.COMPLETED, "completed")


def test_only_a_task_that_needs_review_and_has_a_diff_is_accepted(settled: Settled, lease: Lease) -> None:
    with pytest.raises(Refused, match="only one that needs review"):
        settled.accept(lease.task.id)
    lease.settle(Status.NEEDS_REVIEW, ERROR)
    with pytest.raises(Refused, match="no diff"):
        settled.accept(lease.task.id)


def test_a_handed_back_delivery_is_claimed_anew(
    settled: Settled, tasks: Tasks, lease: Lease, owner: str, store: Store
) -> None:
    settled.accept(reviewed(lease))
    first = take_up(store, owner)
    assert first is not None

    Lease(store, first, owner).hand_back()

    second = take_up(store, owner)
    assert second is not None
    assert (second.id, second.phase) == (first.id, Phase.DELIVERING)


@pytest.mark.parametrize("status", [Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION])
def test_what_waits_for_a_person_can_be_cancelled_and_shows_no_error_then(
    tasks: Tasks, lease: Lease, status: Status
) -> None:
    lease.settle(status, ERROR)

    task = tasks.request_cancel(lease.task.id)

    assert (task.status, task.error) == (Status.CANCELLED, None)
    assert tasks.attempts(task.id)[0].outcome == "cancelled"


def test_a_removed_task_leaves_no_row_and_no_line(settled: Settled, tasks: Tasks, lease: Lease, store: Store) -> None:
    Logs(store).open(lease.n, 1, lease.fence)
    Logs(store).append(lease.n, lease.fence, [Entry(at=1, stream=Stream.OUT, text=str(n)) for n in range(5_000)])
    lease.settle(Status.FAILED, ERROR)

    settled.remove(lease.task.id)

    with pytest.raises(NoSuchTask):
        tasks.get(lease.task.id)
    with pytest.raises(NoSuchTask):
        settled.remove(lease.task.id)
    assert store.logs.rows("SELECT * FROM line") == []
    assert store.logs.rows("SELECT * FROM cursor") == []
    for table in ("attempt", "event", "effect", "notification"):
        assert store.queue.rows(f"SELECT * FROM {table}") == []


def test_old_ones_are_those_that_ended_before(settled: Settled, lease: Lease, clock: HandClock) -> None:
    lease.settle(Status.FAILED, ERROR)

    assert settled.before(clock.now) == []
    assert settled.before(clock.now + 1) == [lease.task.id]


def test_what_was_accepted_and_is_nobodys_yet_is_cancelled_at_once(
    store: Store, settled: Settled, tasks: Tasks, lease: Lease, owner: str
) -> None:
    settled.accept(reviewed(lease))

    task = tasks.request_cancel(lease.task.id)

    assert (task.status, task.phase) == (Status.CANCELLED, None)
    assert take_up(store, owner) is None
    assert tasks.attempts(task.id)[0].outcome == "cancelled"


def test_a_delivery_that_may_show_at_the_remote_is_not_called_cancelled(
    store: Store, settled: Settled, tasks: Tasks, lease: Lease, owner: str
) -> None:
    lease.record_patch(PATCH)
    lease.record_commit("b" * 40)
    lease.enter(Phase.DELIVERING)
    lease.hand_back()

    task = tasks.request_cancel(lease.task.id)

    assert (task.status, task.cancel_requested) == (Status.RUNNING, True)
    assert take_up(store, owner) is not None


def test_an_accepted_change_is_delivered_without_the_model_the_next_time_too(
    settled: Settled, tasks: Tasks, lease: Lease, owner: str, store: Store
) -> None:
    settled.accept(reviewed(lease))
    claimed = take_up(store, owner)
    assert claimed is not None
    Lease(store, claimed, owner).settle(Status.FAILED, ERROR)

    assert tasks.attempts(lease.task.id)[-1].redelivery


@pytest.mark.parametrize("hold", ["budget", "rate limit"])
def test_what_is_only_to_be_delivered_again_waits_for_no_model(
    settled: Settled, tasks: Tasks, lease: Lease, owner: str, store: Store, clock: HandClock, hold: str
) -> None:
    lease.record_patch(PATCH)
    lease.record_commit("b" * 40)
    lease.settle(Status.FAILED, ERROR)
    asks = tasks.insert(new_task())
    settled.again(lease.task.id, redeliver=True)
    if hold == "budget":
        Holds(store).pause_for_budget()
    else:
        Holds(store).close_gate("openai", clock.now + 60_000)

    claimed = tasks.claim(owner, executors=["docker"], concurrency=9)

    assert claimed is not None
    assert claimed.id == lease.task.id
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    assert [task.id for task in tasks.waiting()] == [asks.id]


def test_an_accepted_change_that_waits_takes_no_slot(
    settled: Settled, tasks: Tasks, lease: Lease, owner: str, store: Store
) -> None:
    settled.accept(reviewed(lease))
    other = tasks.insert(new_task())

    claimed = tasks.claim(owner, executors=["docker"], concurrency=1, ids=[other.id])

    assert claimed is not None
