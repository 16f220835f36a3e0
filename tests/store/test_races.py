"""People and processes that decide about one task in the same moment: one of them is right, and all agree which."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pithy_local.errors import Refused
from pithy_local.models import Patch, Phase, Status, Task, TaskError
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.processes import Processes
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.store.conftest import new_task, take_up

PATCH = Patch(path="artifacts/x/1/patch.diff", bytes=10, files=1, added=2, removed=3)
ERROR = TaskError(code="awaiting_review", message="m", hint="h")
ROUNDS = 25


def reviewed(store: Store, owner: str) -> str:
    """A new task with a change that waits for its review."""
    task = Tasks(store).insert(new_task())
    claimed = Tasks(store).claim(owner, executors=["docker"], concurrency=999, ids=[task.id])
    assert claimed is not None
    lease = Lease(store, claimed, owner)
    lease.record_patch(PATCH)
    lease.settle(Status.NEEDS_REVIEW, ERROR)
    return task.id


def together(store: Store, *acts: Callable[[], object]) -> list[object]:
    """What each returned, None where it was refused."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait()
        try:
            return act()
        except Refused:
            return None
        finally:
            store.close_thread()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_accept_reject_and_retry_leave_one_decision(store: Store, owner: str) -> None:
    settled, tasks = Settled(store), Tasks(store)
    for _ in range(ROUNDS):
        task_id = reviewed(store, owner)

        together(
            store, lambda: settled.accept(task_id), lambda: tasks.request_cancel(task_id),  # noqa: B023  # run in here
            lambda: settled.again(task_id, feedback="x"), lambda: settled.accept(task_id),  # noqa: B023
        )  # fmt: skip

        task = tasks.get(task_id)
        assert task.status in (Status.CANCELLED, Status.QUEUED) or task.phase is Phase.DELIVERING
        assert task.attempts == len(tasks.attempts(task_id)) <= 2


def test_an_accepted_task_is_delivered_by_one_process_or_cancelled_by_the_user(store: Store, owner: str) -> None:
    settled, tasks = Settled(store), Tasks(store)
    owners = [owner, Processes(store).register("other")]
    for _ in range(ROUNDS):
        task_id = reviewed(store, owner)
        settled.accept(task_id)

        *claims, cancelled = together(
            store,
            *(lambda each=each: take_up(store, each, [task_id]) for each in owners),  # noqa: B023
            lambda: tasks.request_cancel(task_id),  # noqa: B023
        )

        task, won = tasks.get(task_id), [claim for claim in claims if claim is not None]
        assert isinstance(cancelled, Task)
        assert len(won) == (task.status is Status.RUNNING)
        assert task.status is Status.CANCELLED or task.cancel_requested


@pytest.mark.parametrize("act", ["again", "accept", "remove"])
def test_what_was_accepted_is_decided(store: Store, owner: str, act: str) -> None:
    settled = Settled(store)
    task_id = reviewed(store, owner)
    settled.accept(task_id)

    with pytest.raises(Refused, match="is running"):
        getattr(settled, act)(task_id)


def test_a_task_that_is_added_while_the_one_before_it_ends_never_waits_for_ever(store: Store) -> None:
    tasks = Tasks(store)
    for _ in range(ROUNDS):
        first = tasks.insert(new_task())
        *added, _ = together(
            store, lambda: tasks.insert(new_task(after=first.id)),  # noqa: B023  # run in here
            lambda: tasks.insert(new_task(after=first.id)), lambda: tasks.request_cancel(first.id),  # noqa: B023
        )  # fmt: skip

        followers = [tasks.get(task.id) for task in added if isinstance(task, Task)]
        assert {task.status for task in followers} <= {Status.CANCELLED}
        assert [task.error.code for task in followers if task.error] == ["dependency_failed"] * len(followers)


def test_a_queued_task_is_executed_by_request_or_claimed(store: Store, owner: str) -> None:
    tasks = Tasks(store)
    for _ in range(ROUNDS):
        task = tasks.insert(new_task())

        executed, claimed = together(
            store, lambda: tasks.execute(task.id),  # noqa: B023
            lambda: tasks.claim(owner, executors=["docker"], concurrency=999, ids=[task.id]),  # noqa: B023
        )  # fmt: skip

        assert (executed is None) != (claimed is None)
        assert tasks.get(task.id).status is Status.RUNNING
