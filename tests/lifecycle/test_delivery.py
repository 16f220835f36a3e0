"""Changes that were made before: accepted by a person, handed on by a dead process, delivered a second time."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pithy_local.door.loop import EventLoop
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import AttemptHost, Job, VerifyJob, VerifyRun
from pithy_local.lifecycle import source
from pithy_local.lifecycle.attempt import Attempt
from pithy_local.lifecycle.delivery import Delivery
from pithy_local.lifecycle.recovery import Recovery
from pithy_local.lifecycle.supervisor import Supervisor
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Status, Task
from pithy_local.paths import remove_tree
from pithy_local.store.lease import Lease
from pithy_local.store.orphans import Orphans
from pithy_local.store.processes import Processes
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import RIGHT, StandIn, code_of, hosting, log_of, queue, report, settled, silent, work
from tests.support import branch_sha, commit_files, git, wait_until


def reviewed(bench: Workbench, repo: Path) -> Task:
    """A change that waits for its review."""
    task = work(bench, queue(bench, repo, publish="review").id)
    assert code_of(task) == "awaiting_review"
    bench.loop = EventLoop()  # the stopped supervisor has closed the old one
    return task


def accepted(bench: Workbench, repo: Path) -> Lease:
    """A reviewed change, accepted and claimed by a process of ours."""
    Settled(bench.store).accept(reviewed(bench, repo).id)
    owner = Processes(bench.store).register("test")
    task = Orphans(bench.store).claim(owner, executors=(), concurrency=1)
    assert task is not None
    return Lease(bench.store, task, owner)


def attempt(bench: Workbench, lease: Lease) -> Task:
    """Run one attempt here and now."""
    with hosting(bench, lease) as host:
        Attempt(bench, host).run()
    return Tasks(bench.store).get(lease.task.id)


def test_an_accepted_change_is_delivered_as_it_was_reviewed(bench: Workbench, repo: Path, executor: StandIn) -> None:
    lease = accepted(bench, repo)

    task = attempt(bench, lease)

    assert (task.status, task.attempts) == (Status.COMPLETED, 1), task.error
    assert branch_sha(repo, task.branch) == task.head_sha
    assert len(executor.jobs) == 1
    assert git("show", f"{task.head_sha}:hello.txt", cwd=repo) == "Hello World!"
    assert Tasks(bench.store).attempts(task.id)[0].error is None


def test_it_is_delivered_on_the_base_it_was_made_for_although_that_moved_on(bench: Workbench, repo: Path) -> None:
    lease = accepted(bench, repo)
    base = lease.task.base_sha
    clone = repo.parent / "clone"
    git("clone", "-q", str(repo), str(clone))
    commit_files(clone, {"hello.txt": "somebody else's\n"})
    git("push", "-q", "origin", "HEAD", cwd=clone)

    task = attempt(bench, lease)

    assert task.status is Status.COMPLETED, task.error
    assert git("rev-parse", f"{task.head_sha}^", cwd=repo) == base


def test_a_base_that_is_gone_is_said_and_a_retry_asks_no_model(bench: Workbench, repo: Path) -> None:
    lease = accepted(bench, repo)
    [mirror] = bench.home.mirrors.iterdir()
    remove_tree(mirror)
    other = git("commit-tree", "-m", "another root", "HEAD^{tree}", cwd=repo)
    git("update-ref", "refs/heads/main", other, cwd=repo)
    git("reflog", "expire", "--expire=now", "--all", cwd=repo)
    git("gc", "-q", "--prune=now", cwd=repo)

    task = attempt(bench, lease)

    assert (task.status, code_of(task)) == (Status.FAILED, "repo_analysis")
    assert task.error is not None
    assert f"retry {task.id} --feedback" in task.error.hint
    assert Tasks(bench.store).attempts(task.id)[-1].redelivery


def test_of_two_workers_one_delivers_what_was_accepted(bench: Workbench, repo: Path) -> None:
    task = reviewed(bench, repo)
    other = replace(bench, loop=EventLoop())
    with Supervisor(bench, kind="test", say=silent), Supervisor(other, kind="test", say=silent):
        Settled(bench.store).accept(task.id)
        after = settled(bench, task.id)

    assert after.status is Status.COMPLETED, after.error
    assert len([line for line in log_of(bench, task.id) if line.startswith("delivering: pushing")]) == 1


def test_a_branch_that_somebody_else_moved_is_left_alone(bench: Workbench, repo: Path) -> None:
    lease = accepted(bench, repo)
    theirs = git("rev-parse", "HEAD", cwd=repo)
    git("update-ref", f"refs/heads/{lease.task.branch}", theirs, cwd=repo)

    task = attempt(bench, lease)

    assert (task.status, code_of(task)) == (Status.FAILED, "branch_conflict")
    assert branch_sha(repo, lease.task.branch) == theirs


def test_a_stored_diff_that_is_gone_is_said(bench: Workbench, repo: Path) -> None:
    lease = accepted(bench, repo)
    assert lease.task.patch is not None
    (bench.home.root / lease.task.patch.path).unlink()

    task = attempt(bench, lease)

    assert task.error is not None
    assert "stored diff" in task.error.message
    assert f"retry {task.id} --feedback" in task.error.hint
    assert str(bench.home.root) not in task.error.message


def test_a_cancel_before_anything_is_pushed_is_heard(bench: Workbench, repo: Path) -> None:
    lease = accepted(bench, repo)
    Tasks(bench.store).request_cancel(lease.task.id)

    task = attempt(bench, lease)

    assert task.status is Status.CANCELLED
    assert branch_sha(repo, task.branch) is None


def test_a_delivery_that_still_fetches_can_be_cancelled(bench: Workbench, repo: Path) -> None:
    """A fetch may take half an hour."""
    task = reviewed(bench, repo)
    [mirror] = bench.home.mirrors.iterdir()
    with Supervisor(bench, kind="test", say=silent) as supervisor, fetched_elsewhere(mirror):
        Settled(bench.store).accept(task.id)
        wait_until(lambda: supervisor.running == 1)
        wait_until(lambda: any("being fetched elsewhere" in line for line in log_of(bench, task.id)))
        Tasks(bench.store).request_cancel(task.id)

        assert settled(bench, task.id).status is Status.CANCELLED


@contextmanager
def fetched_elsewhere(mirror: Path) -> Iterator[None]:
    """Another process fetches, and takes its time."""
    with open(mirror / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_dead_process_that_had_pushed_nothing_of_an_accepted_change_leaves_its_cancel(
    bench: Workbench, repo: Path
) -> None:
    lease = accepted(bench, repo)
    Tasks(bench.store).request_cancel(lease.task.id)

    Recovery(bench, lease.owner, silent).tick((), leads=True)

    assert work(bench, lease.task.id).status is Status.CANCELLED
    assert branch_sha(repo, lease.task.branch) is None


def pushed_and_died(bench: Workbench, repo: Path) -> Lease:
    """The process went away after the push, and another one has claimed the delivery."""
    lease = accepted(bench, repo)
    with hosting(bench, lease) as host:
        src = source.prepare(bench, host, lease.task.base_sha)
        Delivery(bench, host, src).deliver(Attempt(bench, host).decided_commit(src))
    Recovery(bench, lease.owner, silent).tick((), leads=True)
    task = Orphans(bench.store).claim(lease.owner, executors=(), concurrency=1)
    assert task is not None
    return Lease(bench.store, task, lease.owner)


def test_who_goes_on_with_a_delivery_finds_what_was_pushed_and_completes(bench: Workbench, repo: Path) -> None:
    lease = pushed_and_died(bench, repo)
    there = branch_sha(repo, lease.task.branch)

    task = attempt(bench, lease)

    assert task.status is Status.COMPLETED, task.error
    assert branch_sha(repo, task.branch) == task.head_sha == there


def test_a_cancel_of_what_may_be_pushed_comes_too_late(bench: Workbench, repo: Path) -> None:
    lease = pushed_and_died(bench, repo)
    Tasks(bench.store).request_cancel(lease.task.id)

    assert attempt(bench, lease).status is Status.COMPLETED


def test_a_commit_that_is_gone_from_the_mirror_is_made_again_by_a_retry(bench: Workbench, repo: Path) -> None:
    """After a power cut, or when somebody cleared the mirrors, which are a cache."""
    lease = pushed_and_died(bench, repo)
    [mirror] = bench.home.mirrors.iterdir()
    remove_tree(mirror)
    git("update-ref", "-d", f"refs/heads/{lease.task.branch}", cwd=repo)

    failed = attempt(bench, lease)

    assert (failed.status, code_of(failed)) == (Status.FAILED, "repo_analysis")
    assert failed.error is not None
    assert failed.error.hint == f"`pithy-local retry {failed.id}` delivers the change again without the model."
    Settled(bench.store).again(failed.id, redeliver=True)
    again = work(bench, failed.id)
    assert again.status is Status.COMPLETED, again.error
    assert branch_sha(repo, again.branch) == again.head_sha


def test_a_second_delivery_whose_commit_is_the_first_ones_completes(bench: Workbench, repo: Path) -> None:
    """The same tree, parent, author and second make the same commit."""
    first = accepted(bench, repo)
    with hosting(bench, first) as host:
        src = source.prepare(bench, host, first.task.base_sha)
        sha = Attempt(bench, host).decided_commit(src)
        first.record_commit(sha)
        first.settle(Status.FAILED)
    Settled(bench.store).again(first.task.id, redeliver=True)
    task = Tasks(bench.store).claim(first.owner, executors=["local"], concurrency=9)
    assert task is not None
    second = Lease(bench.store, task, first.owner)
    with hosting(bench, second) as host:
        src = source.prepare(bench, host, second.task.base_sha)

        Delivery(bench, host, src).deliver(sha)

        second.settle(Status.COMPLETED)
    assert Tasks(bench.store).get(task.id).head_sha == sha


def test_an_empty_change_is_no_diff_to_accept(bench: Workbench, executor: StandIn, repo: Path) -> None:
    def nothing(job: Job, host: AttemptHost) -> bytes:
        report(host, RIGHT)
        return b""

    executor.act = nothing

    task = work(bench, queue(bench, repo).id)

    assert (code_of(task), task.patch) == ("patch_empty", None)


@pytest.mark.parametrize(("stop", "status"), [("cancel", Status.CANCELLED), ("none", Status.FAILED)])
def test_what_breaks_while_the_attempt_is_told_to_end_is_not_how_it_ended(
    bench: Workbench, executor: StandIn, repo: Path, stop: str, status: Status
) -> None:
    """A sandbox that is pulled away under the executor makes errors of its own."""
    reached = threading.Event()

    def break_off(job: Job, host: AttemptHost) -> bytes:
        reached.set()
        if stop == "cancel":
            host.stopping.wait(60)
        raise PithyError(ErrorCode.CONTAINER_LOST, "it went away")

    executor.act = break_off
    task = queue(bench, repo).id
    with Supervisor(bench, kind="test", say=silent):
        assert reached.wait(60)
        if stop == "cancel":
            Tasks(bench.store).request_cancel(task)
        ended = settled(bench, task)

    assert ended.status is status


def test_verification_is_not_repeated_for_an_accepted_change(bench: Workbench, repo: Path, executor: StandIn) -> None:
    def judge(job: VerifyJob) -> list[VerifyRun]:
        return [VerifyRun(command="check", exit_code=int(job.role == "vpatch"), seconds=0.1, output="")]

    executor.judge = judge
    task = work(bench, queue(bench, repo, verify=("check",)).id)
    assert code_of(task) == "verify_failed"
    bench.loop = EventLoop()
    Settled(bench.store).accept(task.id)

    after = work(bench, task.id)

    assert after.status is Status.COMPLETED, after.error
    assert [job.role for job in executor.verified] == ["vbase", "vpatch"]
    assert [(each.base_exit, each.patch_exit) for each in after.verify] == [(0, 1)]
