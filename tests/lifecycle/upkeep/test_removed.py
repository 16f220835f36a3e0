"""What a task leaves that was removed before its sandbox could be: ours, and no sign of a restored backup."""

from __future__ import annotations

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import Sandbox
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status
from pithy_local.store.lease import Lease
from pithy_local.store.removed import Removed
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import StandIn, queue
from tests.lifecycle.upkeep.leftovers import REPO, box, claimed, reap


def removed_with_a_leftover(bench: Workbench, owner: str, executor: StandIn) -> str:
    """The id of a settled task that was removed while a sandbox of its could not be."""
    lease = claimed(bench, owner, Phase.AGENT)
    executor.boxes = [*executor.boxes, box(lease, bench)]
    lease.settle(Status.FAILED)
    Settled(bench.store).remove(lease.task.id)
    return lease.task.id


def test_a_removed_tasks_sandbox_goes_at_the_next_chance_and_is_forgotten_then(
    bench: Workbench, me: str, executor: StandIn
) -> None:
    removed = removed_with_a_leftover(bench, me, executor)
    executor.problem = PithyError(ErrorCode.DOCKER_UNREACHABLE, "no engine")
    assert reap(bench) == []
    executor.problem = None

    assert (removed in reap(bench)[0], executor.boxes) == (True, [])
    assert Removed(bench.store).at("local") == {removed}, "what was listed before its removal may be listed again"
    reap(bench)
    assert Removed(bench.store).at("local") == set()


def test_a_removed_tasks_sandbox_goes_also_after_another_executor_was_configured(
    bench: Workbench, me: str, docker: StandIn
) -> None:
    task = queue(bench, REPO, executor="docker")
    found = Tasks(bench.store).claim(me, executors=["docker"], concurrency=9, ids=[task.id])
    assert found is not None
    Lease(bench.store, found, me).settle(Status.FAILED)
    Settled(bench.store).remove(task.id)
    docker.boxes = [Sandbox(task=task.id, attempt=1, fence=1, handle="x", created_ms=bench.clock.now_ms())]

    reap(bench)

    assert docker.boxes == []


def test_a_task_that_never_ran_is_removed_without_a_trace(bench: Workbench) -> None:
    task = queue(bench, REPO)
    Tasks(bench.store).request_cancel(task.id)
    Settled(bench.store).remove(task.id)

    assert Removed(bench.store).at("local") == set()
