"""What the schema itself forbids, whatever the code above it does."""

from __future__ import annotations

import pytest

from pithy_local.errors import LeaseLost, PithyError
from pithy_local.models import Phase, Status, TaskError
from pithy_local.store import Store
from pithy_local.store.database import StoreRuleError
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import Tasks
from tests.spending import spend
from tests.store.conftest import HandClock, new_task

SHA = "a" * 40


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE task SET status = 'completed', phase = NULL, owner = NULL, lease_until = NULL, finished_at = 1",
         "a task without a commit is not completed"),
        ("UPDATE task SET owner = NULL, lease_until = NULL, phase = NULL, status = 'queued', attempt = 2",
         "an attempt number changes only when a settled task is queued"),
        ("UPDATE task SET fence = 0", "a new owner needs a higher fence"),
        ("UPDATE task SET id = '0000000000'", "what was asked does not change"),
        ("UPDATE task SET phase = 'dancing'", "CHECK constraint failed"),
        ("UPDATE task SET lease_until = NULL", "CHECK constraint failed"),
        ("DELETE FROM task", "only a settled task can be deleted"),
        ("INSERT INTO attempt(task, number, created_at) SELECT n, 2, 1 FROM task", "new attempt needs a settled task"),
    ],
)  # fmt: skip
def test_a_running_task_obeys_the_rules(store: Store, lease: Lease, sql: str, rule: str) -> None:
    with pytest.raises(StoreRuleError, match=rule):
        store.queue.write(sql)


def test_a_settled_task_is_queued_only_with_a_new_attempt(store: Store, lease: Lease) -> None:
    lease.settle(Status.FAILED)

    with pytest.raises(StoreRuleError, match="only with a new attempt"):
        store.queue.write("UPDATE task SET status = 'queued', finished_at = NULL")


def test_a_settled_task_goes_back_to_the_queue_with_one(store: Store, lease: Lease, tasks: Tasks) -> None:
    lease.settle(Status.FAILED)
    with store.queue.transaction():
        store.queue.write("INSERT INTO attempt(task, number, created_at) VALUES (?, 2, 1)", (lease.n,))
        store.queue.write("UPDATE task SET status = 'queued', attempt = 2, finished_at = NULL, cancel_requested = 0")

    assert (tasks.get(lease.task.id).status, tasks.get(lease.task.id).attempts) == (Status.QUEUED, 2)


def test_the_commit_of_an_attempt_is_write_once(lease: Lease) -> None:
    lease.record_commit(SHA)

    with pytest.raises(StoreRuleError, match="write-once"):
        lease.record_commit("b" * 40)


def test_a_refused_write_leaves_the_connection_usable(lease: Lease, tasks: Tasks) -> None:
    lease.record_commit(SHA)
    with pytest.raises(StoreRuleError):
        lease.record_commit("b" * 40)

    lease.settle(Status.COMPLETED)

    assert tasks.get(lease.task.id).head_sha == SHA


def test_settling_ends_the_lease_and_the_attempt_in_one_step(lease: Lease, tasks: Tasks) -> None:
    error = TaskError(code="timeout", message="too slow", hint="more time", detail={"seconds": 3})

    lease.settle(Status.FAILED, error)

    task, attempt = tasks.get(lease.task.id), tasks.attempts(lease.task.id)[0]
    assert (task.status, task.phase, task.error) == (Status.FAILED, None, error)
    assert (attempt.outcome, attempt.error, attempt.finished_at) == ("failed", error, task.finished_at)


def test_an_end_that_cannot_be_written_leaves_no_error_behind(store: Store, lease: Lease, tasks: Tasks) -> None:
    """Else a task that is cancelled later would show the error of an end that never was."""
    store.queue.write("CREATE TRIGGER no BEFORE UPDATE OF status ON task BEGIN SELECT RAISE(ABORT, 'not now'); END")

    with pytest.raises(StoreRuleError, match="not now"):
        lease.settle(Status.FAILED, TaskError(code="internal", message="m", hint="h"))

    assert tasks.attempts(lease.task.id)[0].error is None


def test_nothing_is_written_after_a_takeover(store: Store, lease: Lease, tasks: Tasks) -> None:
    store.queue.write("INSERT INTO process VALUES ('other', 'test', 1, 1.0, 'boot', 1)")
    store.queue.write("UPDATE task SET owner = 'other', fence = fence + 1")

    for write in (
        lease.check,
        lambda: lease.enter(Phase.AGENT),
        lambda: lease.record_commit(SHA),
        lambda: lease.intend("push", "pj/x"),
        lambda: lease.settle(Status.FAILED, TaskError(code="internal", message="m", hint="h")),
        lease.requeue,
    ):
        with pytest.raises(LeaseLost):
            write()

    after = tasks.get(lease.task.id)
    assert (after.status, after.phase, after.head_sha) == (Status.RUNNING, Phase.PREPARING, None)
    assert tasks.attempts(lease.task.id)[0].error is None


def test_usage_is_summed_over_calls_and_has_no_price_when_one_is_unknown(
    store: Store, lease: Lease, tasks: Tasks
) -> None:
    for cost in (0.5, None):
        spend(store, lease, 10, 3, cost_usd=cost)

    usage = tasks.get(lease.task.id).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.cost_usd) == (20, 6, 26, None)


def test_every_commit_of_a_task_is_the_lease_of_the_next_push(lease: Lease) -> None:
    assert lease.commits() == []

    lease.record_commit(SHA)

    assert lease.commits() == [SHA]


def test_a_requeued_task_keeps_its_attempt(lease: Lease, tasks: Tasks) -> None:
    lease.requeue()

    again = tasks.get(lease.task.id)
    assert (again.status, again.attempts, again.phase) == (Status.QUEUED, 1, None)


def test_every_change_of_status_and_phase_is_in_the_history(store: Store, lease: Lease) -> None:
    lease.enter(Phase.AGENT)
    lease.settle(Status.CANCELLED)

    rows = store.queue.rows(
        "SELECT kind, json_extract(body, '$.to') AS t, json_extract(body, '$.phase') AS p FROM event"
    )
    assert [row["t"] or row["p"] for row in rows] == ["queued", "running", "preparing", "agent", "cancelled"]


def test_an_empty_prompt_is_no_task(tasks: Tasks) -> None:
    with pytest.raises(PithyError, match="CHECK"):
        tasks.insert(new_task("  "))


def test_a_beat_prolongs_only_what_the_process_owns(store: Store, lease: Lease, clock: HandClock) -> None:
    from pithy_local.store.processes import Processes

    clock.sleep(20)
    Processes(store).beat(lease.owner, [lease.task.id])
    clock.sleep(20)

    assert [orphan.owner_alive for orphan in Processes(store).owned()] == [True]
    clock.sleep(20)
    assert [orphan.owner_alive for orphan in Processes(store).owned()] == [False]
