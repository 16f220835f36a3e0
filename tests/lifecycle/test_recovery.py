"""What a dead process left: its tasks end or wait again, its sandboxes and folders go; the living lose nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pithy_local.clock import ProcessIdentity
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import Sandbox
from pithy_local.lifecycle.recovery import Recovery
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Patch, Phase, Status, Stream, Task
from pithy_local.redact import Redactor
from pithy_local.store.calls import Calls, Reservation
from pithy_local.store.lease import Lease, Processes
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import StandIn, opened_bench, queue
from tests.store.conftest import HandClock

REPO = Path("/no/such/repository")
ME = ProcessIdentity.current()


@pytest.fixture
def bench(tmp_path: Path, executor: StandIn, docker: StandIn, clock: HandClock) -> Iterator[Workbench]:
    """With a clock that the test moves."""
    with opened_bench(tmp_path, executor, docker, clock=clock) as opened:
        yield opened


@pytest.fixture
def me(bench: Workbench) -> str:
    """The process that recovers."""
    return Processes(bench.store).register("test")


def process(bench: Workbench, *, pid: int = ME.pid, started: float = ME.started, boot: str = ME.boot_id) -> str:
    """Another one's row."""
    bench.store.queue.write("INSERT INTO process VALUES ('other', 'test', ?, ?, ?, 1)", (pid, started, boot))
    return "other"


def reused(bench: Workbench) -> str:
    """A dead process whose pid belongs to somebody else by now: to us."""
    return process(bench, started=ME.started - 60)


def claimed(bench: Workbench, owner: str, phase: Phase = Phase.PREPARING, executor: str = "local") -> Lease:
    """A task of `owner` in `phase`."""
    task = queue(bench, REPO, executor=executor)
    found = Tasks(bench.store).claim(owner, executors=[executor], concurrency=99, ids=[task.id])
    assert found is not None
    lease = Lease(bench.store, found, owner)
    if phase is not Phase.PREPARING:
        lease.enter(phase)
    return lease


def box(lease: Lease, bench: Workbench, *, attempt: int = 1, fence: int | None = None, age_ms: int = 0) -> Sandbox:
    fence = lease.fence if fence is None else fence
    return Sandbox(
        task=lease.task.id, attempt=attempt, fence=fence, handle=f"{lease.task.id}-a{attempt}",
        created_ms=bench.clock.now_ms() - age_ms,
    )  # fmt: skip


def recover(bench: Workbench, me: str, *mine: str) -> tuple[dict[str, PithyError], list[str]]:
    said: list[str] = []
    return Recovery(bench, me, mine, said.append).tick(), said


def now(bench: Workbench, lease: Lease) -> Task:
    return Tasks(bench.store).get(lease.task.id)


def last_line(bench: Workbench, lease: Lease) -> str:
    return Logs(bench.store).page(lease.task.id)[-1].text


@pytest.mark.parametrize(
    "gone",
    [
        {"pid": 2**22 + 1},
        {"started": ME.started - 60},
        {"boot": "another boot"},
    ],
    ids=["pid gone", "pid reused", "machine booted"],
)
def test_an_orphan_to_which_nothing_had_happened_waits_again(bench: Workbench, me: str, gone: dict[str, str]) -> None:
    lease = claimed(bench, process(bench, **gone))  # type: ignore[arg-type]  # a test's shorthand

    recover(bench, me)

    assert (now(bench, lease).status, now(bench, lease).attempts) == (Status.QUEUED, 1)
    assert last_line(bench, lease).startswith("queued again")


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.AGENT, Phase.COLLECTING, Phase.VERIFYING, Phase.DELIVERING])
def test_an_orphan_that_was_under_way_fails_and_its_sandbox_goes(
    bench: Workbench, me: str, executor: StandIn, phase: Phase
) -> None:
    lease = claimed(bench, reused(bench), phase)
    executor.boxes = [box(lease, bench)]

    recover(bench, me)

    task = now(bench, lease)
    assert (task.status, task.error and task.error.code) == (Status.FAILED, "container_lost")
    assert executor.boxes == []
    assert "container_lost" in last_line(bench, lease)


def test_an_orphan_with_a_sandbox_is_not_run_again_unseen(bench: Workbench, me: str, executor: StandIn) -> None:
    lease = claimed(bench, reused(bench), Phase.PREPARING)
    executor.boxes = [box(lease, bench)]

    recover(bench, me)

    assert (now(bench, lease).status, executor.boxes) == (Status.FAILED, [])


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.AGENT, Phase.VERIFYING])
def test_an_orphan_that_was_to_be_cancelled_is(bench: Workbench, me: str, phase: Phase) -> None:
    lease = claimed(bench, reused(bench), phase)
    Tasks(bench.store).request_cancel(lease.task.id)

    recover(bench, me)

    assert (now(bench, lease).status, now(bench, lease).error) == (Status.CANCELLED, None)


def test_an_orphan_that_is_cancelled_while_it_is_recovered_is_cancelled_by_the_next_round(
    bench: Workbench, me: str
) -> None:
    lease = claimed(bench, reused(bench))

    class Meanwhile(Redactor):
        """The user cancels while the log's last line is written."""

        def mask(self, text: str) -> str:
            Tasks(bench.store).request_cancel(lease.task.id)
            return text

    bench.redactor = Meanwhile([])
    recover(bench, me)
    assert now(bench, lease).status is Status.RUNNING
    bench.redactor = Redactor([])

    recover(bench, me)

    assert now(bench, lease).status is Status.CANCELLED


def test_an_orphan_that_was_being_stopped_is_cancelled(bench: Workbench, me: str) -> None:
    lease = claimed(bench, reused(bench), Phase.CANCELLING)

    recover(bench, me)

    assert now(bench, lease).status is Status.CANCELLED


def test_a_cancel_that_came_too_late_does_not_hide_a_delivery(bench: Workbench, me: str) -> None:
    """The branch may be pushed, the pull request open: "cancelled" would say that nothing is there."""
    lease = claimed(bench, reused(bench), Phase.VERIFYING)
    lease.record_commit("b" * 40)
    lease.enter(Phase.DELIVERING)
    Tasks(bench.store).request_cancel(lease.task.id)

    recover(bench, me)

    error = now(bench, lease).error
    assert error is not None
    assert (error.code, "delivering" in error.message) == ("container_lost", True)
    assert f"pithy-local retry {lease.task.id}" in error.hint


def test_a_delivery_that_was_cut_off_is_left_to_whoever_claims_it_next(bench: Workbench, me: str) -> None:
    lease = claimed(bench, reused(bench), Phase.VERIFYING)
    lease.record_patch(Patch(path="artifacts/x/1/patch.diff", bytes=1, files=1, added=1, removed=0))
    lease.record_commit("b" * 40)
    lease.enter(Phase.DELIVERING)
    Tasks(bench.store).request_cancel(lease.task.id)

    recover(bench, me)

    task = now(bench, lease)
    assert (task.status, task.phase) == (Status.RUNNING, Phase.DELIVERING)
    assert last_line(bench, lease).startswith("delivered again")
    again = Tasks(bench.store).claim_accepted(me)
    assert again is not None
    assert (again.id, again.fence > lease.fence) == (lease.task.id, True)


def test_a_model_call_that_died_with_its_process_is_charged_by_its_reservation(bench: Workbench, me: str) -> None:
    lease = claimed(bench, reused(bench), Phase.AGENT)
    wanted = Reservation(provider="openai", model="m", input_tokens=30, output_tokens=12)
    assert isinstance(Calls(bench.store, lease.n, 1).reserve(wanted, token_limit=100), int)

    recover(bench, me)

    assert now(bench, lease).usage.total_tokens == 42


def test_a_verification_of_the_base_has_cost_nothing_that_counts(bench: Workbench, me: str, executor: StandIn) -> None:
    lease = claimed(bench, reused(bench), Phase.PREPARING)
    executor.boxes = [replace(box(lease, bench), role="vbase")]

    recover(bench, me)

    assert (now(bench, lease).status, executor.boxes) == (Status.QUEUED, [])


def test_a_living_owner_keeps_its_task(bench: Workbench, me: str, executor: StandIn) -> None:
    lease = claimed(bench, process(bench), Phase.AGENT)
    executor.boxes = [box(lease, bench, age_ms=3_600_000)]

    problems, said = recover(bench, me)

    lease.check()
    assert (len(executor.boxes), problems, said) == (1, {}, [])


def test_a_living_owner_without_a_heartbeat_has_lost_its_task(bench: Workbench, me: str, clock: HandClock) -> None:
    lease = claimed(bench, process(bench), Phase.AGENT)
    clock.sleep(31)

    recover(bench, me)

    assert now(bench, lease).status is Status.FAILED


def test_a_jump_of_the_wall_clock_costs_no_lease(bench: Workbench, me: str, clock: HandClock) -> None:
    lease = claimed(bench, process(bench), Phase.AGENT)
    for jump in (3_600_000, -7_200_000):
        clock.now += jump
        recover(bench, me)

    lease.check()


def test_what_runs_here_is_kept_although_the_machine_slept_past_its_lease(
    bench: Workbench, me: str, clock: HandClock, executor: StandIn
) -> None:
    lease = claimed(bench, me, Phase.AGENT)
    executor.boxes = [box(lease, bench)]
    clock.sleep(8 * 3600)

    recover(bench, me, lease.task.id)

    lease.check()
    assert len(executor.boxes) == 1


def test_what_this_process_owns_but_does_not_run_is_recovered(bench: Workbench, me: str) -> None:
    lease = claimed(bench, me, Phase.AGENT)

    recover(bench, me)

    assert now(bench, lease).status is Status.FAILED


def test_an_engine_that_does_not_answer_keeps_its_tasks_and_is_told(bench: Workbench, me: str, docker: StandIn) -> None:
    away, here = claimed(bench, reused(bench), Phase.AGENT, "docker"), claimed(bench, "other", Phase.AGENT)
    docker.problem = PithyError(ErrorCode.DOCKER_UNREACHABLE, "no engine")

    problems, _ = recover(bench, me)

    away.check()
    assert (now(bench, away).fence, problems) == (away.fence, {away.task.id: docker.problem})
    assert now(bench, here).status is Status.FAILED


def test_it_is_recovered_once_the_engine_answers(bench: Workbench, me: str, docker: StandIn) -> None:
    lease = claimed(bench, reused(bench), Phase.AGENT, "docker")
    docker.problem = PithyError(ErrorCode.DOCKER_UNREACHABLE, "no engine")
    recover(bench, me)
    docker.problem = None

    problems, _ = recover(bench, me)

    assert (now(bench, lease).status, problems) == (Status.FAILED, {})


def test_the_dead_that_own_nothing_are_forgotten(bench: Workbench, me: str) -> None:
    reused(bench)

    recover(bench, me)

    assert [row["id"] for row in bench.store.queue.rows("SELECT id FROM process")] == [me]


def test_the_log_goes_on_without_a_gap(bench: Workbench, me: str) -> None:
    lease = claimed(bench, reused(bench), Phase.AGENT)
    logs = Logs(bench.store)
    logs.open(lease.n, 1, lease.fence)
    logs.append(lease.n, lease.fence, [Entry(at=1, stream=Stream.OUT, text="before the end")])

    recover(bench, me)

    assert [line.seq for line in logs.page(lease.task.id)] == [1, 2]


def test_a_settled_tasks_sandbox_goes_at_once(bench: Workbench, me: str, executor: StandIn) -> None:
    lease = claimed(bench, me, Phase.AGENT)
    lease.settle(Status.CANCELLED)
    executor.boxes = [box(lease, bench)]

    _, said = recover(bench, me)

    assert executor.boxes == []
    assert lease.task.id in said[0]


def test_a_young_sandbox_of_an_older_owner_stays_for_a_minute(
    bench: Workbench, me: str, executor: StandIn, clock: HandClock
) -> None:
    lease = claimed(bench, me, Phase.AGENT)
    executor.boxes = [box(lease, bench, attempt=2, fence=0)]

    recover(bench, me, lease.task.id)
    assert len(executor.boxes) == 1
    clock.sleep(61)
    recover(bench, me, lease.task.id)

    assert executor.boxes == []


def test_a_sandbox_of_an_older_owner_goes_and_that_of_the_present_one_stays(
    bench: Workbench, me: str, executor: StandIn
) -> None:
    lease = claimed(bench, me, Phase.AGENT)
    executor.boxes = [box(lease, bench, age_ms=61_000), box(lease, bench, attempt=2, fence=0, age_ms=61_000)]

    recover(bench, me, lease.task.id)

    assert [found.attempt for found in executor.boxes] == [1]


def test_a_sandbox_of_an_unknown_task_is_not_ours_to_judge(bench: Workbench, me: str, executor: StandIn) -> None:
    executor.boxes = [Sandbox(task="zzzzzzzzzz", attempt=1, fence=1, handle="x", created_ms=0)]

    recover(bench, me)

    assert len(executor.boxes) == 1


def test_what_a_killed_doctor_left_goes_after_a_minute(
    bench: Workbench, me: str, executor: StandIn, clock: HandClock
) -> None:
    now = bench.clock.now_ms()
    executor.boxes = [Sandbox(task="doctor1a2b3c", attempt=1, fence=0, handle="x", created_ms=now, role="doctor")]

    recover(bench, me)
    assert len(executor.boxes) == 1
    clock.sleep(61)
    recover(bench, me)

    assert executor.boxes == []


def test_a_real_directory_of_a_settled_attempt_is_removed(tmp_path: Path, clock: HandClock) -> None:
    with opened_bench(tmp_path, clock=clock) as bench:
        me = Processes(bench.store).register("test")
        lease = claimed(bench, me, Phase.AGENT)
        lease.settle(Status.FAILED)
        left = bench.home.scratch / f"{lease.task.id}-a1"
        (left / "repo" / "deep").mkdir(parents=True)
        os.chmod(left / "repo" / "deep", 0)  # noqa: PTH101  # as an agent may leave it
        clock.now = left.stat().st_ctime_ns // 1_000_000 + 61_000

        recover(bench, me)

        assert list(bench.home.scratch.iterdir()) == []


def test_packed_repositories_and_indexes_go_unless_their_very_owner_runs(bench: Workbench, me: str) -> None:
    lease, done = claimed(bench, me), claimed(bench, me)
    done.settle(Status.CANCELLED)
    mirror = bench.home.mirrors / "some-mirror"
    folders = [
        bench.home.scratch / f"bundle-{lease.task.id}-f{lease.fence}",
        bench.home.scratch / f"bundle-{lease.task.id}-f{lease.fence - 1}",
        bench.home.scratch / f"bundle-{done.task.id}-f{done.fence}",
        bench.home.scratch / "bundle-zzzzzzzzzz-f1",
        mirror / f"index-{lease.task.id}",
        mirror / f"index-{done.task.id}",
        mirror / "repo.git",
    ]
    for folder in folders:
        folder.mkdir(parents=True)

    recover(bench, me, lease.task.id)

    assert [folder for folder in folders if folder.exists()] == [folders[0], folders[4], folders[6]]
