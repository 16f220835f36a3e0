"""An attempt that another owner has left goes on from its phase, with what is stored of it; nothing is done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from pithy_local.door.gateway import Failure
from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Event, Result
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.executors.base import AgentJob, AttemptHost, Sandbox
from pithy_local.git.commit import make_commit
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.host import GRACE_SECONDS
from pithy_local.lifecycle.reporting import ReportTaker, seen_before, told_before
from pithy_local.lifecycle.running import TAKEN
from pithy_local.lifecycle.supervisor import Supervisor
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, Stop, Task
from pithy_local.store.lease import Lease
from pithy_local.store.orphans import Orphans
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import (
    DIFF,
    At,
    Held,
    StandIn,
    code_of,
    hosted,
    log_of,
    queue,
    settled,
    silent,
    succeed,
)
from tests.support import branch_sha, wait_until


def again(bench: Workbench) -> Workbench:
    """For another supervisor: a stopped one has closed its loop."""
    return replace(bench, loop=EventLoop())


def left_in(bench: Workbench, task: Task, phase: Phase) -> Task:
    """Work the task up to `phase`, and leave it there."""
    stopper: list[Supervisor] = []

    def hold(_: str) -> None:
        wait_until(lambda: any(host.stopping.is_set() for host in stopper[0]._attempts.hosts()))

    at = At(phase.value, hold)
    supervisor = Supervisor(again(bench), kind="test", say=at, ids=[task.id])
    stopper.append(supervisor)
    with supervisor:
        assert at.reached.wait(60)
        supervisor.stop(Stop.LEAVE)
    return Tasks(bench.store).get(task.id)


def gone_on(bench: Workbench, task: Task, say: Callable[[str], None] = silent) -> Task:
    """The task after the next process that works the queue."""
    with Supervisor(again(bench), kind="test", say=say):
        return settled(bench, task.id)


def verifying(bench: Workbench, command: str) -> Workbench:
    """With this verify command in the user's configuration."""
    sandbox = msgspec.structs.replace(bench.settings.sandbox, verify=(command,))
    return replace(bench, settings=msgspec.structs.replace(bench.settings, sandbox=sandbox))


@pytest.mark.parametrize("phase", [Phase.AGENT, Phase.COLLECTING])
def test_a_sandbox_that_was_left_is_adopted(bench: Workbench, executor: StandIn, repo: Path, phase: Phase) -> None:
    task = left_in(bench, queue(bench, repo, verify=("true",)), phase)
    assert (task.status, task.phase) == (Status.RUNNING, phase)
    said: list[str] = []

    ended = gone_on(bench, task, said.append)

    assert (ended.status, ended.attempts, code_of(ended)) == (Status.COMPLETED, 1, "")
    assert (len(executor.jobs), len(executor.adopted)) == (1, 1)
    assert executor.adopted[0].spec == executor.jobs[0].spec
    assert [job.role for job in executor.verified] == ["vbase", "vpatch"]
    assert any(f"{task.id}: adopted in phase {phase}" in words for words in said)


def test_a_stored_diff_is_verified_again_and_no_agent_asked(bench: Workbench, executor: StandIn, repo: Path) -> None:
    task = left_in(bench, queue(bench, repo, verify=("true",)), Phase.VERIFYING)
    assert (task.status, task.phase) == (Status.RUNNING, Phase.VERIFYING)

    ended = gone_on(bench, task)

    assert (ended.status, branch_sha(repo, ended.branch)) == (Status.COMPLETED, ended.head_sha)
    assert (len(executor.jobs), len(executor.adopted)) == (1, 0)


def test_verify_commands_that_were_removed_meanwhile_are_run_as_on_the_base(
    bench: Workbench, executor: StandIn, repo: Path
) -> None:
    task = left_in(verifying(bench, "old"), queue(bench, repo), Phase.VERIFYING)

    ended = gone_on(bench, task)

    assert (ended.status, code_of(ended)) == (Status.COMPLETED, "")
    assert [(job.role, job.commands) for job in executor.verified] == [("vbase", ("old",)), ("vpatch", ("old",))]


def test_a_sandbox_of_which_is_not_known_what_it_was_told_gives_way_to_another_one(
    bench: Workbench, executor: StandIn, repo: Path
) -> None:
    """A version before this one had started it: neither its job nor its reports were written down."""
    task = left_in(bench, queue(bench, repo), Phase.AGENT)
    (bench.home.artifacts(task.id, 1) / "job.json").unlink()
    box = Sandbox(task=task.id, attempt=1, fence=1, handle="old", created_ms=bench.clock.now_ms())
    executor.boxes = [box, replace(box, task="0000000000", handle="another's")]

    ended = gone_on(bench, task)

    assert (ended.status, ended.attempts, len(executor.jobs), len(executor.adopted)) == (Status.COMPLETED, 1, 2, 0)
    assert [left.handle for left in executor.boxes] == ["another's"]
    assert any("queued again" in line for line in log_of(bench, task.id))


def test_a_delivery_that_was_left_goes_on_with_the_same_commit(bench: Workbench, executor: StandIn, repo: Path) -> None:
    task = left_in(bench, queue(bench, repo), Phase.DELIVERING)

    ended = gone_on(bench, task)

    assert (ended.status, ended.head_sha, len(executor.jobs)) == (Status.COMPLETED, branch_sha(repo, ended.branch), 1)


def test_what_was_about_to_be_delivered_is_as_it_was_judged(bench: Workbench, executor: StandIn, repo: Path) -> None:
    """The owner died between the record of its commit and the phase: another commit may not take its place."""
    task = left_in(bench, queue(bench, repo, verify=("true",)), Phase.VERIFYING)
    lease = taken(bench, task)
    sha = git_commit(bench, lease)
    lease.record_commit(sha)
    lease.hand_back()

    ended = gone_on(bench, task)

    assert (ended.status, ended.head_sha) == (Status.COMPLETED, sha)
    assert [job.role for job in executor.verified if job.role == "vpatch"] == []


def taken(bench: Workbench, task: Task) -> Lease:
    owner = Processes(bench.store).register("test")
    claimed = Orphans(bench.store).claim(owner, executors=("local",), concurrency=9, ids=[task.id])
    assert claimed is not None
    return Lease(bench.store, claimed, owner)


def git_commit(bench: Workbench, lease: Lease) -> str:
    base = lease.task.base_sha
    assert base is not None
    mirror = bench.repositories.known(lease.task.repo, "").mirror
    return make_commit(mirror, lease.task.id, base, DIFF, message="ours", protected=(), author="T <t@example.org>").sha


@pytest.mark.parametrize("phase", [Phase.STARTING])
def test_where_nothing_of_the_agent_ran_it_is_queued_again(
    bench: Workbench, executor: StandIn, repo: Path, phase: Phase
) -> None:
    task = left_in(bench, queue(bench, repo), phase)

    assert (task.status, task.attempts) == (Status.QUEUED, 1)
    assert gone_on(bench, task).status is Status.COMPLETED


def test_a_sandbox_that_ends_with_its_process_is_queued_again(bench: Workbench, executor: StandIn, repo: Path) -> None:
    executor.lasting = False

    task = left_in(bench, queue(bench, repo), Phase.AGENT)

    assert task.status is Status.QUEUED


def test_a_cancel_that_nobody_was_there_to_hear_is_heard_by_the_adopter(
    bench: Workbench, executor: StandIn, repo: Path
) -> None:
    task = left_in(bench, queue(bench, repo), Phase.AGENT)
    assert Tasks(bench.store).request_cancel(task.id).status is Status.RUNNING

    ended = gone_on(bench, task)

    assert (ended.status, len(executor.ended), len(executor.adopted)) == (Status.CANCELLED, 1, 0)
    assert log_of(bench, task.id)[-1] == "cancelled"


def test_an_engine_that_goes_away_keeps_the_attempt_for_later(bench: Workbench, executor: StandIn, repo: Path) -> None:
    def lose_engine(job: AgentJob, host: AttemptHost) -> bytes:
        executor.act = succeed
        raise PithyError(ErrorCode.DOCKER_UNREACHABLE, "lost the Docker engine")

    executor.act = lose_engine
    task = queue(bench, repo)

    ended = gone_on(bench, task)

    assert (ended.status, ended.attempts, len(executor.jobs), len(executor.adopted)) == (Status.COMPLETED, 1, 1, 1)
    assert "lost the Docker engine: waiting for it" in log_of(bench, task.id)


def test_what_this_process_takes_up_again_is_its_own_although_the_earlier_thread_has_not_ended(
    bench: Workbench, executor: StandIn, repo: Path
) -> None:
    """The engine is back before the thread that gave the attempt up is gone."""
    tasks, held, ended = Tasks(bench.store), Held(), threading.Event()

    def lose_engine(job: AgentJob, host: AttemptHost) -> bytes:
        executor.act = held
        raise PithyError(ErrorCode.DOCKER_UNREACHABLE, "lost the Docker engine")

    def linger(words: str) -> None:
        if words.endswith((": left in phase agent: whoever works the queue next goes on with it", TAKEN)):
            wait_until(lambda: tasks.get(task.id).fence == 2)
            earlier.append(threading.current_thread())
            ended.set()

    earlier: list[threading.Thread] = []
    executor.act = lose_engine
    task = queue(bench, repo)
    with Supervisor(bench, kind="test", say=linger) as supervisor:
        assert ended.wait(60)
        earlier[0].join(60)
        assert held.reached.wait(60)
        assert supervisor.running == 1
        held.go_on.set()
        assert settled(bench, task.id).status is Status.COMPLETED
    assert (len(executor.jobs), len(executor.adopted), tasks.get(task.id).fence) == (1, 1, 2)


def test_leaving_ends_at_once_although_a_sandbox_is_busy(bench: Workbench, executor: StandIn, repo: Path) -> None:
    held = Held()
    executor.act = held
    task = queue(bench, repo)
    with Supervisor(bench, kind="test", say=silent) as supervisor:
        assert held.reached.wait(60)
        supervisor.stop(Stop.LEAVE)

    assert Tasks(bench.store).get(task.id).phase is Phase.AGENT
    held.go_on.set()
    assert gone_on(bench, task).status is Status.COMPLETED


def test_a_drain_can_become_a_leave(bench: Workbench, executor: StandIn, repo: Path) -> None:
    held = Held()
    executor.act = held
    task = queue(bench, repo)
    with Supervisor(bench, kind="test", say=silent) as supervisor:
        assert held.reached.wait(60)
        draining = threading.Thread(target=supervisor.stop, args=(Stop.DRAIN,))
        draining.start()
        supervisor.stop(Stop.LEAVE)
        draining.join(60)

    assert (Tasks(bench.store).get(task.id).phase, draining.is_alive()) == (Phase.AGENT, False)
    held.go_on.set()
    assert gone_on(bench, task).status is Status.COMPLETED


def test_an_adopter_knows_what_was_told_before_it(bench: Workbench, repo: Path) -> None:
    with hosted(bench, queue(bench, repo)) as host:
        artifacts = Artifacts(bench.home, host.lease.task.id, 1, bench.redactor)
        host.attach(gateway=SomeGateway())  # type: ignore[arg-type]  # only its failure is asked for
        taker = ReportTaker(host, artifacts, bench.redactor)
        taker.take_event(Event(1, "step", {"name": "ask", "round": 1, "text": "asking"}))
        taker.take_diff(2, DIFF)
        result = {"outcome": "failed", "code": "agent_failed", "message": "because", "detail": {"k": "v"}, "mended": 3}
        taker.take_event(Event(3, "result", result))

        taken = told_before(host.lease.standing, artifacts)
        seen = seen_before(host.lease.standing)

    assert (taken.number, taken.diff) == (3, DIFF)
    assert taken.result == Result("failed", "agent_failed", "because", {"k": "v"}, 3)
    assert seen is not None
    assert (seen.code, seen.detail) == ("llm_auth", {"http_status": 401})


class SomeGateway:
    """What the host saw go wrong with the last call."""

    def __init__(self) -> None:
        self.failure = Failure("llm_auth", "wrong key", {"http_status": 401})


def test_an_owner_that_was_stopped_while_it_wrote_a_file_replaces_nothing_of_its_successors(
    bench: Workbench, repo: Path
) -> None:
    with hosted(bench, queue(bench, repo)) as late:
        task, name = late.lease.task, late.lease.task.id
        late.enter(Phase.AGENT)
        late.lease.hand_back()
        successor = taken(bench, task)
        for lease, diff in ((successor, b"the last diff"), (late.lease, b"an earlier one")):
            artifacts = Artifacts(bench.home, name, 1, bench.redactor, fenced=lease.fenced)
            with nullcontext() if lease is successor else pytest.raises(LeaseLost):
                artifacts.keep_round(diff)

    kept = {path.name: path.read_bytes() for path in bench.home.artifacts(name, 1).iterdir()}
    assert kept == {"patch.diff": b"the last diff"}


def test_the_agents_time_is_kept_and_a_little_is_given_to_who_was_late(bench: Workbench, repo: Path) -> None:
    with hosted(bench, queue(bench, repo)) as host:
        assert host.time_left(600) == 600
        host.keep_time(100)
        assert host.time_left(600) == pytest.approx(100, abs=9)
        host.keep_time(-50)
        assert host.time_left(600) == GRACE_SECONDS


def test_an_attempt_that_begins_anew_has_all_its_time_and_no_reports(bench: Workbench, repo: Path) -> None:
    with hosted(bench, queue(bench, repo)) as host:
        host.keep_time(5)
        host.lease.record_report(7, {"outcome": "ready"})
        host.lease.record_leak()

        host.lease.begin_attempt()

        standing = host.lease.standing
        assert (standing.reports, standing.result, standing.leaked, standing.deadline) == (0, None, False, None)
