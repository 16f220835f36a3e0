"""How an attempt ends, and that what goes wrong on the way does not hide it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pithy_local.door.reports import Result
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import AttemptHost, Job
from pithy_local.lifecycle.supervisor import Supervisor
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Status, Stream, Task
from pithy_local.paths import remove_tree
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Logs
from pithy_local.store.processes import Processes
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import hang
from tests.lifecycle.bench import (
    DIFF,
    SECRET,
    Act,
    Held,
    StandIn,
    code_of,
    locked,
    log_of,
    opened_bench,
    queue,
    report,
    settled,
    silent,
    work,
)
from tests.spending import spend
from tests.support import branch_sha, git, wait_until

BAD = b"this is no diff at all\n"


def failing(error: Exception, so_far: bytes | None = None) -> Any:
    """An `Act` whose sandbox ends with `error` after it had posted a diff."""

    def act(job: Job, host: AttemptHost) -> bytes:
        host.gateway.reports.diff = so_far
        raise error

    return act


def test_the_log_is_complete_when_the_task_settles(bench: Workbench, executor: StandIn, repo: Path) -> None:
    def talk(job: Job, host: AttemptHost) -> bytes:
        host.output(Stream.OUT, b"".join(b"line %d\n" % number for number in range(5_000)) + b"unfinished")
        raise PithyError(ErrorCode.OOM, "too much")

    executor.act = talk
    task = work(bench, queue(bench, repo).id)

    lines = log_of(bench, task.id)
    assert [line for line in lines if line.startswith("line")] == [f"line {number}" for number in range(5_000)]
    assert lines[-1] == "failed: too much [oom]"
    assert "unfinished" in lines
    assert bench.store.logs.rows("SELECT count(*) AS n FROM line")[0]["n"] == Logs(bench.store).last_seq(task.id)


def test_a_timeout_keeps_the_work_so_far(bench: Workbench, executor: StandIn, repo: Path) -> None:
    executor.act = failing(PithyError(ErrorCode.TIMEOUT, "too slow"), so_far=DIFF)

    task = work(bench, queue(bench, repo).id)

    assert (code_of(task), task.patch and task.patch.added) == ("timeout", 1)
    assert (bench.home.root / "artifacts" / task.id / "1" / "patch.diff").read_bytes() == DIFF


def test_hunks_that_were_mended_are_counted(bench: Workbench, executor: StandIn, repo: Path) -> None:
    def act(job: Job, host: AttemptHost) -> bytes:
        report(host, Result("ready", None, "", {}, mended=2))
        return DIFF

    executor.act = act

    task = work(bench, queue(bench, repo).id)

    assert task.patch is not None
    assert (task.status, task.to_json()["patch"]["mended"]) == (Status.COMPLETED, 2)


@pytest.mark.parametrize("so_far", [BAD, b"\0" * 1000], ids=["no diff", "zeros"])
def test_work_that_is_no_diff_does_not_hide_why_it_ended(
    bench: Workbench, executor: StandIn, repo: Path, so_far: bytes
) -> None:
    executor.act = failing(PithyError(ErrorCode.TIMEOUT, "too slow"), so_far=so_far)

    assert code_of(work(bench, queue(bench, repo).id)) == "timeout"


def test_work_that_cannot_be_kept_does_not_hide_why_it_ended(bench: Workbench, executor: StandIn, repo: Path) -> None:
    fail: Act = failing(PithyError(ErrorCode.OOM, "too much"), so_far=DIFF)

    def act(job: Job, host: AttemptHost) -> bytes:
        remove_tree(bench.home.root / "artifacts")
        (bench.home.root / "artifacts").write_text("a file where the folder should be")
        return fail(job, host)

    executor.act = act

    task = work(bench, queue(bench, repo).id)

    assert code_of(task) == "oom"
    assert any("could not be kept" in line for line in log_of(bench, task.id))


@pytest.mark.parametrize(
    ("error", "code"),
    [(OSError(errno.ENOSPC, "No space left on device"), "disk_full"), (ValueError("a bug"), "internal")],
)
def test_what_the_host_stumbles_over_ends_the_task_with_a_code(
    bench: Workbench, executor: StandIn, repo: Path, error: Exception, code: str
) -> None:
    executor.act = failing(error)

    assert code_of(work(bench, queue(bench, repo).id)) == code


def test_a_mirror_that_cannot_be_cleared_up_does_not_undo_a_delivery(
    bench: Workbench, executor: StandIn, repo: Path
) -> None:
    def spoil(job: Job, host: AttemptHost) -> bytes:
        [mirror] = bench.home.mirrors.glob("*/repo.git")
        (mirror / "refs" / "pithy" / job.task / "base.lock").touch()  # as a killed git leaves it
        report(host, Result("ready", None, "", {}))
        return DIFF

    executor.act = spoil
    task = work(bench, queue(bench, repo).id)

    assert task.status is Status.COMPLETED, task.error
    assert branch_sha(repo, task.branch) == task.head_sha
    assert any("could not clear up" in line for line in log_of(bench, task.id))


@pytest.mark.parametrize(
    "detail",
    [{"text": "x" * 3_000_000}, {"number": float("inf")}, {"secret": SECRET, "half": "\ud800", "nul": "\0"}],
    ids=["long", "infinite", "odd"],
)
def test_whatever_a_sandbox_says_in_the_end_the_task_settles(
    bench: Workbench, executor: StandIn, repo: Path, detail: dict[str, Any]
) -> None:
    def fail(job: Job, host: AttemptHost) -> bytes:
        report(host, Result("failed", "agent_failed", f"because {SECRET}\0", detail))
        return b""

    executor.act = fail
    task = work(bench, queue(bench, repo).id)

    assert task.error is not None
    assert (task.error.code, task.error.message) == ("agent_failed", "because ***")
    assert len(str(task.error.detail)) < 10_000
    assert SECRET not in str(task.error.detail)


def test_only_the_word_id_in_a_hint_becomes_the_id(bench: Workbench, executor: StandIn, repo: Path) -> None:
    executor.act = failing(PithyError(ErrorCode.REPO_ANALYSIS, "m", hint="See `show ID`. Is it ANDROID?"))

    task = work(bench, queue(bench, repo).id)

    assert task.error is not None
    assert task.error.hint == f"See `show {task.id}`. Is it ANDROID? Then `pithy-local retry {task.id}`."


def test_a_locked_store_does_not_lose_how_an_attempt_ended(tmp_path: Path, repo: Path) -> None:
    held = Held(then=failing(PithyError(ErrorCode.OOM, "too much")))
    with opened_bench(tmp_path, StandIn(held), patience=0.2) as bench:
        task = queue(bench, repo).id
        said: list[str] = []
        with Supervisor(bench, kind="test", say=said.append) as supervisor:
            assert held.reached.wait(60)
            with locked(bench.store):
                held.go_on.set()
                wait_until(lambda: "failed: too much [oom]" in log_of(bench, task))
                wait_until(lambda: any("queue.db" in words for words in said))
                assert supervisor.running == 1

            assert code_of(settled(bench, task)) == "oom"


def test_a_log_that_cannot_be_written_ends_the_attempt(bench: Workbench, executor: StandIn, repo: Path) -> None:
    def forbid(job: Job, host: AttemptHost) -> bytes:
        bench.store.logs.write("CREATE TRIGGER full BEFORE INSERT ON line BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")
        host.say("one more")
        assert host.stopping.wait(60)
        host.checkpoint()
        return b""

    executor.act = forbid

    task = work(bench, queue(bench, repo).id)

    assert task.error is not None
    assert "no room" in task.error.message


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def model(gate: Gate) -> Iterator[FakeModel]:
    with FakeModel(lambda body: hang(gate), key=SECRET) as started:
        yield started
        gate.release()


def test_a_model_call_that_a_cancel_cuts_off_is_counted_before_the_task_settles(
    tmp_path: Path, repo: Path, model: FakeModel, gate: Gate
) -> None:
    with opened_bench(tmp_path, model=model.base_url) as bench:
        task = queue(bench, repo, provider="openai", model="gpt-4o").id
        tasks = Tasks(bench.store)
        with Supervisor(bench, kind="test", say=silent):
            assert gate.reached.wait(60)
            tasks.request_cancel(task)
            ended = settled(bench, task)
            at_the_end = log_of(bench, task)

        assert ended.status is Status.CANCELLED
        assert ended.usage.input_tokens > 0
        assert tasks.get(task).usage == ended.usage
        assert any("model call:" in line for line in at_the_end[:-1])
        assert log_of(bench, task) == at_the_end


def test_tokens_of_earlier_attempts_count_towards_the_limit(tmp_path: Path, repo: Path, model: FakeModel) -> None:
    with opened_bench(tmp_path, model=model.base_url) as bench:
        task = queue(bench, repo, provider="openai", model="gpt-4o", max_tokens=1_000)
        spend_first_attempt(bench, task, 1_000)

        ended = work(bench, task.id)

        assert (ended.attempts, code_of(ended), ended.usage.total_tokens) == (2, "token_limit", 1_000)
        assert model.completions == []


def spend_first_attempt(bench: Workbench, task: Task, tokens: int) -> None:
    """The first attempt failed after one call; the task is queued with its second."""
    processes = Processes(bench.store)
    owner = processes.register("test")
    claimed = Tasks(bench.store).claim(owner, executors=["local"], concurrency=1)
    assert claimed is not None
    lease = Lease(bench.store, claimed, owner)
    spend(bench.store, lease, tokens, 0)
    lease.settle(Status.FAILED)
    processes.unregister(owner)
    Settled(bench.store).again(task.id)


def test_nothing_of_ours_stays_in_the_mirror(bench: Workbench, repo: Path) -> None:
    task = work(bench, queue(bench, repo).id)

    assert task.status is Status.COMPLETED
    [mirror] = bench.home.mirrors.glob("*/repo.git")
    assert git("for-each-ref", "refs/pithy", cwd=mirror) == ""
    assert list(bench.home.mirrors.glob("*/index-*")) == []
    assert list(bench.home.scratch.iterdir()) == []
