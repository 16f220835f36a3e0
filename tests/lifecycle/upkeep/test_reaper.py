"""What belongs to no attempt goes, what a living or an adopted one needs stays."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import Sandbox
from pithy_local.lifecycle.upkeep.reaper import Reaper, in_use
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status
from pithy_local.store.processes import Processes
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import StandIn, opened_bench, queue
from tests.lifecycle.upkeep.leftovers import REPO, box, claimed, reap
from tests.store.conftest import HandClock

DAY = 24 * 3600


def test_a_settled_tasks_sandbox_goes_at_once(bench: Workbench, me: str, executor: StandIn) -> None:
    lease = claimed(bench, me, Phase.AGENT)
    lease.settle(Status.CANCELLED)
    executor.boxes = [box(lease, bench)]

    said = reap(bench)

    assert executor.boxes == []
    assert lease.task.id in said[0]


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.STARTING, Phase.AGENT, Phase.COLLECTING, Phase.CANCELLING])
def test_the_sandbox_of_the_present_owner_stays(
    bench: Workbench, me: str, executor: StandIn, clock: HandClock, phase: Phase
) -> None:
    lease = claimed(bench, me, phase)
    executor.boxes = [box(lease, bench)]
    clock.sleep(DAY)

    assert (reap(bench), len(executor.boxes)) == ([], 1)


@pytest.mark.parametrize(
    ("phase", "role", "stays"),
    [
        (Phase.STARTING, "agent", False),
        (Phase.AGENT, "agent", True),
        (Phase.COLLECTING, "agent", True),
        (Phase.CANCELLING, "agent", True),
        (Phase.VERIFYING, "agent", True),
        (Phase.DELIVERING, "agent", False),
        (Phase.PREPARING, "vbase", False),
        (Phase.VERIFYING, "vpatch", False),
    ],
)
def test_an_older_owners_sandbox_stays_where_an_adopter_goes_on_with_it(
    bench: Workbench, me: str, executor: StandIn, clock: HandClock, phase: Phase, role: str, stays: bool
) -> None:
    lease = claimed(bench, me, phase)
    executor.boxes = [box(lease, bench, older=1, role=role)]

    reap(bench)
    assert len(executor.boxes) == 1, "its owner may not have seen yet that it lost its lease"
    clock.sleep(61)
    reap(bench)

    assert len(executor.boxes) == int(stays)


def test_a_task_in_nobodys_hands_keeps_the_sandbox_that_waits_to_be_adopted(
    bench: Workbench, me: str, executor: StandIn, clock: HandClock
) -> None:
    lease = claimed(bench, me, Phase.AGENT)
    executor.boxes = [box(lease, bench)]
    bench.store.queue.write("UPDATE task SET owner = NULL, lease_until = NULL")
    clock.sleep(DAY)

    assert (reap(bench), len(executor.boxes)) == ([], 1)


def test_a_queued_tasks_sandbox_goes_after_a_minute(
    bench: Workbench, me: str, executor: StandIn, clock: HandClock
) -> None:
    waiting, running = claimed(bench, me), claimed(bench, me, Phase.AGENT)
    waiting.requeue()
    executor.boxes = [box(waiting, bench), box(running, bench, attempt=2), box(running, bench)]

    reap(bench)
    assert len(executor.boxes) == 3
    clock.sleep(61)
    reap(bench)

    assert [(left.task, left.attempt) for left in executor.boxes] == [(running.task.id, 1)]


def test_the_sandbox_of_an_attempt_that_is_over_goes_at_once(bench: Workbench, me: str, executor: StandIn) -> None:
    lease = claimed(bench, me, Phase.AGENT)
    executor.boxes = [box(lease, bench), box(lease, bench, attempt=2)]
    lease.settle(Status.FAILED)
    Settled(bench.store).again(lease.task.id)

    reap(bench)

    assert [left.attempt for left in executor.boxes] == [2]


def test_a_sandbox_of_an_unknown_task_is_told_once_and_kept_for_a_day(
    bench: Workbench, executor: StandIn, clock: HandClock
) -> None:
    executor.boxes = [Sandbox(task="zzzzzzzzzz", attempt=1, fence=1, handle="0123456789ab", created_ms=clock.now_ms())]
    said: list[str] = []
    reaper = Reaper(bench, said.append)

    for _ in range(3):
        reaper.tick()
        clock.sleep(DAY / 3 - 1)
    assert (len(executor.boxes), len(said), "zzzzzzzzzz" in said[0]) == (1, 1, True)
    clock.sleep(10)
    reaper.tick()

    assert executor.boxes == []


def test_what_an_executor_left_goes_also_after_another_one_was_configured(
    bench: Workbench, me: str, docker: StandIn
) -> None:
    done = queue(bench, REPO, executor="docker")
    Tasks(bench.store).request_cancel(done.id)
    docker.boxes = [Sandbox(task=done.id, attempt=1, fence=1, handle="x", created_ms=0)]
    assert (bench.settings.executor, bench.made_executors()) == ("local", [])

    reap(bench)

    assert docker.boxes == []


def test_what_a_killed_doctor_left_goes_after_a_minute(bench: Workbench, executor: StandIn, clock: HandClock) -> None:
    executor.boxes = [
        Sandbox(task="doctor1a2b3c", attempt=1, fence=0, handle="x", created_ms=clock.now_ms(), role="doctor")
    ]

    reap(bench)
    assert len(executor.boxes) == 1
    clock.sleep(61)
    reap(bench)

    assert executor.boxes == []


def test_two_homes_leave_each_others_directories_alone(tmp_path: Path, clock: HandClock) -> None:
    with opened_bench(tmp_path, clock=clock) as bench:
        lease = claimed(bench, Processes(bench.store).register("test"))
        lease.settle(Status.FAILED)
        room = bench.home.scratch / f"{lease.task.id}-a1"
        room.mkdir()
        (room / "owner.json").write_text('{"instance": "0ther0", "fence": 1}')
        clock.now = room.stat().st_ctime_ns // 1_000_000 + DAY * 1000

        reap(bench)
        assert room.exists()
        (room / "owner.json").write_text(f'{{"instance": "{Tasks(bench.store).instance}", "fence": 1}}')
        reap(bench)

        assert not room.exists()


def test_a_real_directory_of_a_settled_attempt_is_removed(tmp_path: Path, clock: HandClock) -> None:
    with opened_bench(tmp_path, clock=clock) as bench:
        lease = claimed(bench, Processes(bench.store).register("test"), Phase.AGENT)
        lease.settle(Status.FAILED)
        left = bench.home.scratch / f"{lease.task.id}-a1"
        (left / "repo" / "deep").mkdir(parents=True)
        os.chmod(left / "repo" / "deep", 0)  # noqa: PTH101  # as an agent may leave it
        clock.now = left.stat().st_ctime_ns // 1_000_000 + 61_000

        reap(bench)

        assert list(bench.home.scratch.iterdir()) == []


def test_an_engine_that_is_away_keeps_nothing_else_from_being_removed(
    bench: Workbench, me: str, executor: StandIn, docker: StandIn
) -> None:
    bench.executor("docker")
    docker.problem = PithyError(ErrorCode.DOCKER_UNREACHABLE, "no engine")
    lease = claimed(bench, me)
    lease.settle(Status.CANCELLED)
    executor.boxes, docker.boxes = [box(lease, bench)], [box(lease, bench)]

    reap(bench)
    assert (len(executor.boxes), len(docker.boxes)) == (0, 1)
    docker.problem = None
    reap(bench)

    assert docker.boxes == []


def test_a_sandbox_that_cannot_be_removed_keeps_no_other(bench: Workbench, me: str, executor: StandIn) -> None:
    stuck, loose = claimed(bench, me), claimed(bench, me)
    executor.boxes = [box(stuck, bench), box(loose, bench)]
    for lease in (stuck, loose):
        lease.settle(Status.CANCELLED)
    remove = executor.remove

    def refuse(handle: str) -> None:
        if handle.startswith(stuck.task.id):
            raise PithyError(ErrorCode.INTERNAL, "the device is busy")
        remove(handle)

    executor.remove = refuse  # type: ignore[method-assign]  # what this engine does
    said = reap(bench)

    assert [left.task for left in executor.boxes] == [stuck.task.id]
    assert any("busy" in words for words in said)


def test_what_cannot_be_looked_at_is_told_once_and_stops_nothing(bench: Workbench, me: str, executor: StandIn) -> None:
    lease = claimed(bench, me)
    lease.settle(Status.CANCELLED)
    executor.boxes = [box(lease, bench)]
    (bench.home.scratch / "backup").mkdir()
    bench.home.lock("backup").mkdir()  # a lock that cannot be opened
    said: list[str] = []
    reaper = Reaper(bench, said.append)

    reaper.tick()
    reaper.tick()

    assert (executor.boxes, len([words for words in said if "could not clear up" in words])) == ([], 1)


def test_roles_are_told_apart(bench: Workbench, me: str) -> None:
    lease = claimed(bench, me, Phase.VERIFYING)
    task = Tasks(bench.store).get(lease.task.id)
    mine = box(lease, bench, role="vpatch")

    assert (in_use(task, mine), in_use(task, replace(mine, fence=mine.fence - 1))) == (True, False)
