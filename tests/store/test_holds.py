"""A pause, a spent budget and a rate limit hold tasks back, and say until when."""

from __future__ import annotations

import pytest

from pithy_local.models import Status
from pithy_local.store import Store
from pithy_local.store.holds import Holds
from pithy_local.store.lease import Lease
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.store.conftest import HandClock, new_task, take_up


def reason(holds: Holds) -> str | None:
    return holds.paused.reason if holds.paused else None


@pytest.fixture
def holds(store: Store) -> Holds:
    return Holds(store)


def test_a_pause_stops_claims_but_not_of_tasks_that_are_named(holds: Holds, tasks: Tasks, owner: str) -> None:
    task = tasks.insert(new_task())
    holds.pause()

    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    assert [each.id for each in tasks.waiting()] == [task.id]
    assert tasks.claim(owner, executors=["docker"], concurrency=9, ids=[task.id]) is not None


def test_what_was_told_to_begin_at_once_passes_the_pause_by_also_when_it_is_queued_again(
    store: Store, holds: Holds, tasks: Tasks, owner: str, clock: HandClock
) -> None:
    """Its owner died, or was told to end, before anything of the agent had run."""
    tasks.insert(new_task("important", priority=9))
    wished = tasks.insert(new_task())
    holds.pause()
    tasks.execute(wished.id)
    started = take_up(store, owner)
    assert started is not None
    Lease(store, started, owner).requeue(not_before=clock.now + 1000)
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    clock.sleep(1)

    assert (tasks.queued(["docker"]), tasks.claimable(["docker"])) == (1, True)
    assert [each.title for each in tasks.waiting()] == ["important"]
    claimed = tasks.claim(owner, executors=["docker"], concurrency=9)
    assert claimed is not None
    assert (claimed.id, tasks.claim(owner, executors=["docker"], concurrency=9)) == (wished.id, None)


def test_it_goes_before_the_rest_of_the_queue_and_counts_once(store: Store, tasks: Tasks, owner: str) -> None:
    tasks.insert(new_task("important", priority=9))
    wished = tasks.execute(tasks.insert(new_task()).id)
    started = take_up(store, owner)
    assert started is not None
    Lease(store, started, owner).requeue()

    assert tasks.queued(["docker"]) == 2
    claimed = tasks.claim(owner, executors=["docker"], concurrency=9)
    assert claimed is not None
    assert claimed.id == wished.id


def test_a_spent_budget_holds_what_was_told_to_begin_at_once(
    store: Store, holds: Holds, tasks: Tasks, owner: str
) -> None:
    """Else it would be refused by the ledger and queued again, again and again."""
    tasks.execute(tasks.insert(new_task()).id)
    started = take_up(store, owner)
    assert started is not None
    holds.pause_for_budget()
    Lease(store, started, owner).requeue()

    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None


def test_a_new_attempt_begins_in_its_turn(store: Store, holds: Holds, tasks: Tasks, owner: str) -> None:
    tasks.execute(tasks.insert(new_task()).id)
    started = take_up(store, owner)
    assert started is not None
    Lease(store, started, owner).settle(Status.FAILED)
    Settled(store).again(started.id)
    holds.pause()

    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None


def test_a_spent_budget_stops_named_tasks_too(holds: Holds, tasks: Tasks, owner: str) -> None:
    task = tasks.insert(new_task())
    holds.pause_for_budget()

    assert tasks.claim(owner, executors=["docker"], concurrency=9, ids=[task.id]) is None


def test_resume_goes_on(holds: Holds, tasks: Tasks, owner: str) -> None:
    tasks.insert(new_task())
    holds.pause()
    holds.resume()

    assert holds.paused is None
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is not None


def test_a_pause_for_the_budget_ends_at_midnight_and_a_users_pause_does_not(
    holds: Holds, tasks: Tasks, clock: HandClock
) -> None:
    holds.pause_for_budget()
    paused = holds.paused
    assert paused is not None
    assert paused.until is not None
    assert 0 < paused.until - clock.now <= 25 * 3_600_000

    holds.lift()
    assert reason(holds) == "budget"
    clock.now = paused.until
    holds.lift()
    assert reason(holds) is None

    holds.pause()
    clock.sleep(10 * 86_400)
    holds.lift()
    assert reason(holds) == "user"


def test_a_budget_that_is_spent_during_a_pause_stops_named_tasks_and_the_pause_stays(
    holds: Holds, tasks: Tasks, owner: str, clock: HandClock
) -> None:
    """Else a named task would be claimed, refused by the ledger and parked, again and again."""
    task = tasks.insert(new_task())
    holds.pause()
    holds.pause_for_budget()

    assert tasks.claim(owner, executors=["docker"], concurrency=9, ids=[task.id]) is None
    assert reason(holds) == "budget"

    clock.sleep(86_400)
    holds.lift()
    assert reason(holds) == "user"
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    assert tasks.claim(owner, executors=["docker"], concurrency=9, ids=[task.id]) is not None


def test_a_pause_of_the_users_leaves_that_of_the_budget(holds: Holds, clock: HandClock) -> None:
    holds.pause_for_budget()
    holds.pause()
    assert reason(holds) == "budget"

    holds.resume()

    assert holds.paused is None


def test_the_raised_budget_is_for_today_alone(holds: Holds, clock: HandClock) -> None:
    holds.raise_budget()
    holds.raise_budget()
    assert holds.budget_raised() == 2

    clock.sleep(86_400)

    assert holds.budget_raised() == 0


def test_a_gate_holds_back_the_tasks_of_its_provider_alone(
    holds: Holds, tasks: Tasks, owner: str, clock: HandClock
) -> None:
    tasks.insert(new_task())
    other = tasks.insert(new_task(provider="anthropic"))
    holds.close_gate("openai", clock.now + 60_000)

    claimed = tasks.claim(owner, executors=["docker"], concurrency=9)
    assert claimed is not None
    assert claimed.id == other.id
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    assert holds.closed_until("openai") == clock.now + 60_000
    clock.sleep(60)
    assert holds.closed_until("openai") == 0
    assert tasks.claim(owner, executors=["docker"], concurrency=9) is not None


def test_the_later_of_two_closings_counts(holds: Holds, clock: HandClock) -> None:
    holds.close_gate("openai", clock.now + 60_000)
    holds.close_gate("openai", clock.now + 30_000)

    assert holds.closed_until("openai") == clock.now + 60_000


def test_a_parked_task_is_not_claimed_before_its_time(tasks: Tasks, lease: Lease, owner: str, clock: HandClock) -> None:
    lease.requeue(not_before=clock.now + 1_000)

    assert tasks.claim(owner, executors=["docker"], concurrency=9) is None
    assert [(each.id, each.not_before) for each in tasks.waiting()] == [(lease.task.id, clock.now + 1_000)]
    clock.sleep(1)
    again = tasks.claim(owner, executors=["docker"], concurrency=9)
    assert again is not None
    assert (again.attempts, again.fence) == (1, lease.fence + 1)
