"""What a dead process left: its tasks wait again, or for somebody who goes on with them; the living lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pithy_local.clock import ProcessIdentity
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.executors.base import Sandbox
from pithy_local.lifecycle.recovery import Recovery
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, Stream, Task
from pithy_local.redact import Redactor
from pithy_local.store.calls import Calls, Reservation
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.orphans import Orphans
from pithy_local.store.processes import Processes
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


def process(
    bench: Workbench, *, pid: int = ME.pid, started: float = ME.started, boot: str = ME.boot_id, name: str = "other"
) -> str:
    """Another one's row."""
    bench.store.queue.write("INSERT INTO process VALUES (?, 'test', ?, ?, ?, 1)", (name, pid, started, boot))
    return name


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


class Round:
    """Rounds of recovery in one process: what it said, and the problems of the last."""

    def __init__(self, bench: Workbench, me: str, *, leads: bool = True) -> None:
        self.said: list[str] = []
        self.problems: dict[str, PithyError] = {}
        self._recovery, self._leads = Recovery(bench, me, self.said.append), leads

    def __call__(self, *mine: str) -> Round:
        self.problems = self._recovery.tick(mine, leads=self._leads)
        return self


def recover(bench: Workbench, me: str, *mine: str) -> Round:
    """The first round of a leader."""
    return Round(bench, me)(*mine)


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


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.STARTING])
def test_where_nothing_of_the_agent_ran_it_is_queued_again_and_its_sandboxes_go(
    bench: Workbench, me: str, executor: StandIn, phase: Phase
) -> None:
    lease = claimed(bench, reused(bench), phase)
    executor.boxes = [box(lease, bench), replace(box(lease, bench), role="vbase")]

    recover(bench, me)

    task = now(bench, lease)
    assert (task.status, task.attempts, executor.boxes) == (Status.QUEUED, 1, [])


@pytest.mark.parametrize("phase", [Phase.AGENT, Phase.COLLECTING, Phase.VERIFYING, Phase.DELIVERING, Phase.CANCELLING])
def test_what_is_under_way_is_left_with_all_it_has_to_whoever_claims_it_next(
    bench: Workbench, me: str, executor: StandIn, phase: Phase
) -> None:
    lease = claimed(bench, reused(bench), phase)
    executor.boxes = [box(lease, bench)]

    said = recover(bench, me).said

    task = now(bench, lease)
    assert (task.status, task.phase, len(executor.boxes)) == (Status.RUNNING, phase, 1)
    assert (lease.task.id in said[0], f"in phase {phase}" in last_line(bench, lease)) == (True, True)
    with pytest.raises(LeaseLost):
        lease.check()
    again = Orphans(bench.store).claim(me, executors=("local",), concurrency=1)
    assert again is not None
    assert (again.id, again.phase, again.fence) == (lease.task.id, phase, lease.fence + 2)


def test_what_runs_elsewhere_is_only_let_go(bench: Workbench, me: str) -> None:
    lease = claimed(bench, reused(bench), Phase.AGENT, "github-actions")

    recover(bench, me)

    assert (now(bench, lease).status, now(bench, lease).fence) == (Status.RUNNING, lease.fence + 1)
    assert Orphans(bench.store).claim(me, executors=("local", "docker"), concurrency=9) is None


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.STARTING])
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

    done = recover(bench, me)

    lease.check()
    assert (len(executor.boxes), done.problems, done.said) == (1, {}, [])


def test_a_living_owner_that_stays_silent_loses_its_task(bench: Workbench, me: str, clock: HandClock) -> None:
    lease, again = claimed(bench, process(bench), Phase.AGENT), Round(bench, me)
    clock.sleep(31)
    again()
    lease.check()
    clock.sleep(15)

    again()

    with pytest.raises(LeaseLost):
        lease.check()


def test_after_a_sleep_of_the_machine_an_owner_has_time_to_beat(bench: Workbench, me: str, clock: HandClock) -> None:
    other = process(bench)
    lease, again = claimed(bench, other, Phase.AGENT), Round(bench, me)
    clock.sleep(8 * 3600)
    again()
    clock.sleep(10)
    Processes(bench.store).beat(other, [lease.task.id])
    clock.sleep(10)

    again()

    lease.check()


def test_what_a_leader_that_hangs_does_not_recover_is_recovered_by_another(
    bench: Workbench, me: str, clock: HandClock
) -> None:
    lease, follower = claimed(bench, reused(bench)), Round(bench, me, leads=False)
    follower()
    clock.sleep(44)
    follower()
    assert now(bench, lease).status is Status.RUNNING
    clock.sleep(1)

    follower()

    assert now(bench, lease).status is Status.QUEUED


def dies(bench: Workbench, task: Task, phase: Phase, *, number: int) -> None:
    """One more process claims the task, gets to `phase` and dies."""
    owner = f"dead {number}"
    bench.store.queue.write(
        "INSERT INTO process VALUES (?, 'test', ?, ?, ?, 1)", (owner, ME.pid, ME.started - 60, ME.boot_id)
    )
    claimed_again = Orphans(bench.store).claim(owner, executors=("local",), concurrency=9) or Tasks(bench.store).claim(
        owner, executors=["local"], concurrency=9, ids=[task.id]
    )
    assert claimed_again is not None
    if claimed_again.phase is not phase:
        Lease(bench.store, claimed_again, owner).enter(phase)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.COLLECTING, Phase.VERIFYING, Phase.DELIVERING])
def test_three_owners_that_died_at_the_same_point_are_enough(bench: Workbench, me: str, phase: Phase) -> None:
    task = queue(bench, REPO)
    for number in range(2):
        dies(bench, task, phase, number=number)
        recover(bench, me)
        assert not Tasks(bench.store).get(task.id).status.settled
    dies(bench, task, phase, number=3)

    recover(bench, me)

    ended = Tasks(bench.store).get(task.id)
    assert (ended.status, ended.error and ended.error.code) == (Status.FAILED, "crash_loop")


def test_owners_that_die_while_they_watch_a_container_say_nothing_against_its_task(bench: Workbench, me: str) -> None:
    task = queue(bench, REPO)
    for number in range(20):
        dies(bench, task, Phase.AGENT, number=number)
        recover(bench, me)

    assert Tasks(bench.store).get(task.id).phase is Phase.AGENT


def test_an_attempt_that_gets_further_each_time_is_given_all_the_time_it_needs(bench: Workbench, me: str) -> None:
    task = queue(bench, REPO)
    for number in range(20):
        dies(bench, task, Phase.VERIFYING, number=number)
        recover(bench, me)
        again = Orphans(bench.store).claim(me, executors=("local",), concurrency=9)
        assert again is not None
        lease = Lease(bench.store, again, me)
        lease.intend("create", f"sandbox {number}")
        lease.hand_back()

    assert not Tasks(bench.store).get(task.id).status.settled


def test_the_death_of_an_owner_of_several_tasks_counts_half_for_each(bench: Workbench, me: str) -> None:
    tasks = [queue(bench, REPO), queue(bench, REPO)]
    for number in range(5):
        owner = process(bench, started=ME.started - 60, name=f"dead {number}")
        for task in tasks:
            assert Tasks(bench.store).claim(owner, executors=["local"], concurrency=9, ids=[task.id])
        recover(bench, me)

    assert {Tasks(bench.store).get(task.id).status for task in tasks} == {Status.QUEUED}


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
    lease = claimed(bench, me, Phase.STARTING)

    recover(bench, me)

    assert now(bench, lease).status is Status.QUEUED


def test_an_engine_that_does_not_answer_keeps_its_tasks_and_is_told(bench: Workbench, me: str, docker: StandIn) -> None:
    away, here = claimed(bench, reused(bench), Phase.STARTING, "docker"), claimed(bench, "other", Phase.STARTING)
    docker.problem = PithyError(ErrorCode.DOCKER_UNREACHABLE, "no engine")

    problems = recover(bench, me).problems

    away.check()
    assert (now(bench, away).fence, problems) == (away.fence, {away.task.id: docker.problem})
    assert now(bench, here).status is Status.QUEUED


def test_it_is_recovered_once_the_engine_answers(bench: Workbench, me: str, docker: StandIn) -> None:
    lease = claimed(bench, reused(bench), Phase.STARTING, "docker")
    docker.problem = PithyError(ErrorCode.DOCKER_UNREACHABLE, "no engine")
    recover(bench, me)
    docker.problem = None

    problems = recover(bench, me).problems

    assert (now(bench, lease).status, problems) == (Status.QUEUED, {})


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
