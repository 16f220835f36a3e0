"""Claiming, leading, stopping: one supervisor among others, over a store and an engine that may not answer."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pithy_local.clock import SystemClock
from pithy_local.door.loop import EventLoop
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import AttemptHost, Job
from pithy_local.lifecycle.supervisor import Supervisor
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status
from pithy_local.store import Store
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import Held, StandIn, locked, opened_bench, queue, settled, silent, succeed, work
from tests.support import wait_until

NO_ENGINE = PithyError(ErrorCode.DOCKER_UNREACHABLE, "no engine")


def orphan(bench: Workbench, repo: Path, *, executor: str = "local") -> str:
    """A task that a dead process had just claimed."""
    task = queue(bench, repo, executor=executor)
    bench.store.queue.write("INSERT INTO process VALUES ('dead', 'test', 1, 0.5, 'another boot', 1)")
    claimed = Tasks(bench.store).claim("dead", executors=[executor], concurrency=99, ids=[task.id])
    assert claimed is not None
    return task.id


Threads = Callable[[], set[str]]


@pytest.fixture
def threads() -> Threads:
    """The names of those that were begun since the test began: others may have left some in this process."""
    earlier = set(threading.enumerate())
    return lambda: {
        thread.name for thread in set(threading.enumerate()) - earlier if not thread.name.startswith("pytest")
    }


@contextmanager
def patient(bench: Workbench) -> Iterator[Workbench]:
    """The same home for who waits for its lock as long as users do."""
    with closing(Store(bench.home)) as store:
        yield replace(bench, store=store)


@pytest.fixture
def held(executor: StandIn) -> Iterator[Held]:
    """Every attempt waits in its sandbox."""
    executor.act = held = Held()
    yield held
    held.go_on.set()


def test_no_more_attempts_run_at_once_than_may(bench: Workbench, repo: Path, executor: StandIn) -> None:
    together, most = threading.Semaphore(2), []

    def count(job: Job, host: AttemptHost) -> bytes:
        most.append(together.acquire(blocking=False))
        wait_until(lambda: len(executor.jobs) >= 2)
        together.release()
        return succeed(job, host)

    executor.act = count
    ids = [queue(bench, repo).id for _ in range(4)]
    with Supervisor(bench, kind="test", say=silent, jobs=2):
        ended = [settled(bench, task).status for task in ids]

    assert (ended, most) == ([Status.COMPLETED] * 4, [True] * 4)


def test_nothing_of_it_is_left_after_a_stop(bench: Workbench, repo: Path, threads: Threads) -> None:
    work(bench, queue(bench, repo).id)

    assert threads() == set()
    assert bench.store.queue.rows("SELECT * FROM process") == []


def test_a_second_stop_does_nothing(bench: Workbench, threads: Threads) -> None:
    supervisor = Supervisor(bench, kind="test", say=silent)
    supervisor.start()

    supervisor.stop()
    supervisor.stop()

    assert threads() == set()


def test_a_failure_of_this_process_cancels_nothing(bench: Workbench, repo: Path, held: Held) -> None:
    task = queue(bench, repo)

    def fail() -> None:
        with Supervisor(bench, kind="test", say=silent):
            assert held.reached.wait(60)
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        fail()

    left = Tasks(bench.store).get(task.id)
    assert (left.status, left.phase) == (Status.RUNNING, Phase.AGENT)


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, threads: Threads) -> None:
    with opened_bench(tmp_path, patience=0.1) as bench, locked(bench.store):
        with pytest.raises(PithyError) as refused:
            Supervisor(bench, kind="test", say=silent).start()

        assert refused.value.code is ErrorCode.STORE
        assert threads() == set()


def test_connections_do_not_grow_with_the_tasks(bench: Workbench, repo: Path) -> None:
    def connections() -> int:
        return sum(file.path == str(bench.home.queue_db) for file in psutil.Process().open_files())

    many = 16
    with Supervisor(bench, kind="test", say=silent) as supervisor:
        for _ in range(many):
            settled(bench, queue(bench, repo).id)
            wait_until(lambda: supervisor.running == 0)

        # four threads stay; SQLite may close a file later than its connection, while another one holds a lock
        assert connections() <= many // 2


def test_who_is_not_the_leader_works_and_recovers_once_it_leads(bench: Workbench, repo: Path) -> None:
    task = orphan(bench, repo)
    with open(bench.home.lock("leader"), "w") as leader:
        fcntl.flock(leader, fcntl.LOCK_EX)
        with Supervisor(bench, kind="test", say=silent):
            assert settled(bench, queue(bench, repo).id).status is Status.COMPLETED
            assert Tasks(bench.store).get(task).status is Status.RUNNING

            fcntl.flock(leader, fcntl.LOCK_UN)
            assert settled(bench, task).status is Status.COMPLETED


def test_it_is_not_idle_while_one_of_its_tasks_waits_for_recovery(bench: Workbench, repo: Path) -> None:
    lost, other = orphan(bench, repo), queue(bench, repo).id
    with open(bench.home.lock("leader"), "w") as leader:
        fcntl.flock(leader, fcntl.LOCK_EX)  # somebody else leads, and does not recover
        with Supervisor(bench, kind="test", say=silent, ids=[lost, other]) as supervisor:
            settled(bench, other)
            wait_until(lambda: supervisor.running == 0)

            assert not supervisor.idle


def test_it_is_idle_with_nothing_of_its_own_to_do(bench: Workbench, repo: Path) -> None:
    mine, other = queue(bench, repo).id, queue(bench, repo).id

    supervisor = Supervisor(bench, kind="test", say=silent, ids=[mine])
    assert not supervisor.idle, "before its first round it has cleared up nothing"
    with supervisor:
        wait_until(lambda: supervisor.idle)

    assert Tasks(bench.store).get(mine).status is Status.COMPLETED
    assert Tasks(bench.store).get(other).status is Status.QUEUED


def test_it_is_never_idle_between_a_task_and_its_end(bench: Workbench, repo: Path) -> None:
    task = queue(bench, repo).id
    seen = []
    with Supervisor(bench, kind="test", say=silent) as supervisor:
        while not supervisor.idle:
            seen.append(Tasks(bench.store).get(task).status)
        seen.append(Tasks(bench.store).get(task).status)

    assert seen[-1] is Status.COMPLETED


def test_without_an_engine_other_work_is_done_first_and_then_the_problem_is_told(
    bench: Workbench, repo: Path, executor: StandIn, docker: StandIn, held: Held
) -> None:
    docker.problem = NO_ENGINE
    waiting = queue(bench, repo, executor="docker", priority=9).id
    first, second = queue(bench, repo).id, queue(bench, repo).id
    with Supervisor(bench, kind="test", say=silent, jobs=1) as supervisor:
        told_too_early = []
        assert held.reached.wait(60)
        told_too_early.append(supervisor.engine_problem)
        held.go_on.set()
        while not Tasks(bench.store).get(second).status.settled:
            problem = supervisor.engine_problem  # before the look at the task, which may be claimed in between
            if not supervisor.running and Tasks(bench.store).get(second).status is Status.QUEUED:
                told_too_early.append(problem)
        wait_until(lambda: supervisor.engine_problem is NO_ENGINE)

        assert set(told_too_early) == {None}
        assert Tasks(bench.store).get(first).status is Status.COMPLETED
        assert Tasks(bench.store).get(waiting).status is Status.QUEUED


def test_an_orphan_that_waits_for_the_engine_is_no_problem_of_other_tasks(
    bench: Workbench, repo: Path, docker: StandIn
) -> None:
    docker.problem = NO_ENGINE
    waiting = orphan(bench, repo, executor="docker")
    mine = queue(bench, repo).id

    with Supervisor(bench, kind="test", say=silent, ids=[mine]) as supervisor:
        settled(bench, mine)
        wait_until(lambda: supervisor.idle)
        assert supervisor.engine_problem is None
    with Supervisor(bench_again(bench), kind="test", say=silent) as supervisor:
        wait_until(lambda: supervisor.engine_problem is NO_ENGINE)
    assert Tasks(bench.store).get(waiting).status is Status.RUNNING


def bench_again(bench: Workbench) -> Workbench:
    """For a second supervisor: a stopped one has closed its loop."""
    return replace(bench, loop=EventLoop())


def test_an_engine_that_hangs_keeps_nobody_from_cancelling(
    bench: Workbench, repo: Path, docker: StandIn, held: Held
) -> None:
    asked, answer = threading.Event(), threading.Event()

    class Hanging(StandIn):
        def check(self) -> None:
            asked.set()
            answer.wait(60)

    bench.make_executor = {"local": bench.make_executor("local"), "docker": Hanging(name="docker")}.__getitem__
    task = queue(bench, repo).id
    with Supervisor(bench, kind="test", say=silent):
        assert held.reached.wait(60)
        queue(bench, repo, executor="docker")
        assert asked.wait(60)

        Tasks(bench.store).request_cancel(task)

        assert settled(bench, task).status is Status.CANCELLED
        answer.set()


def test_a_stop_ends_what_runs_also_while_the_store_is_locked(tmp_path: Path, repo: Path, threads: Threads) -> None:
    held = Held()
    with opened_bench(tmp_path, StandIn(held), patience=0.2) as bench:
        task = queue(bench, repo).id
        supervisor = Supervisor(bench, kind="test", say=silent)
        supervisor.start()
        assert held.reached.wait(60)
        stopper = threading.Thread(target=supervisor.stop)
        with locked(bench.store):
            stopper.start()
            stopper.join(1.0)
            assert stopper.is_alive()
        stopper.join(60)

        assert (stopper.is_alive(), threads()) == (False, set())
        assert Tasks(bench.store).get(task).status is Status.CANCELLED


class Hurried(SystemClock):
    """Every pause takes a minute of lease time and no real one."""

    def __init__(self) -> None:
        self.paused_ms = 0

    def lease_ms(self) -> int:
        return super().lease_ms() + self.paused_ms

    def sleep(self, seconds: float) -> None:
        self.paused_ms += 61_000
        super().sleep(0.01)


def test_an_end_that_cannot_be_written_holds_nobody_up_for_ever(tmp_path: Path, repo: Path, threads: Threads) -> None:
    held = Held()
    said: list[str] = []
    with opened_bench(tmp_path, StandIn(held), patience=0.1, clock=Hurried()) as bench:
        task = queue(bench, repo).id
        supervisor = Supervisor(bench, kind="test", say=said.append)
        supervisor.start()
        assert held.reached.wait(60)
        with locked(bench.store):
            supervisor.stop()

            assert threads() == set()
            assert any(words.startswith(task) and "locked" in words for words in said)
        assert Tasks(bench.store).get(task).status is Status.RUNNING  # the next process ends it


def test_a_store_that_is_locked_for_a_while_is_told_and_waited_for(tmp_path: Path, repo: Path) -> None:
    said: list[str] = []
    with opened_bench(tmp_path, StandIn(), patience=0.1) as bench:
        with Supervisor(bench, kind="test", say=said.append) as supervisor:
            with locked(bench.store):
                wait_until(lambda: any("locked" in words for words in said))
            with patient(bench) as other:
                task = queue(other, repo).id
            assert settled(bench, task).status is Status.COMPLETED

        assert supervisor.failure is None


def test_a_store_that_stays_locked_is_told_once_and_then_a_problem_until_it_works_again(
    tmp_path: Path, repo: Path
) -> None:
    said: list[str] = []
    with (
        opened_bench(tmp_path, StandIn(), patience=0.3) as bench,
        patient(bench) as other,
        Supervisor(bench, kind="test", say=said.append, stuck_after=1.0) as supervisor,
    ):
        settled(bench, queue(other, repo).id)
        wait_until(lambda: supervisor.running == 0)
        with locked(bench.store):
            wait_until(lambda: supervisor.store_problem is not None)
            assert len([words for words in said if "locked" in words]) == 1
        wait_until(lambda: supervisor.store_problem is None)


def test_narration_that_nobody_can_hear_stops_nothing(bench: Workbench, repo: Path) -> None:
    def broken(words: str) -> None:
        raise BrokenPipeError(words)

    with Supervisor(bench, kind="test", say=broken) as supervisor:
        assert settled(bench, queue(bench, repo).id).status is Status.COMPLETED

    assert supervisor.failure is None


def test_an_attempt_that_cannot_open_its_log_does_not_block_the_others(bench: Workbench, repo: Path) -> None:
    said: list[str] = []
    bad = queue(bench, repo, priority=1).id
    bench.store.logs.write("CREATE TRIGGER no BEFORE INSERT ON cursor WHEN NEW.task = 1 "
                           "BEGIN SELECT RAISE(ABORT, 'no cursor'); END")  # fmt: skip
    with Supervisor(bench, kind="test", say=said.append):
        assert settled(bench, queue(bench, repo).id).status is Status.COMPLETED

    assert any(words.startswith(bad) and "no cursor" in words for words in said)


def test_a_cancelled_task_ends_while_the_process_that_ran_it_is_dead(bench: Workbench, repo: Path) -> None:
    task = orphan(bench, repo)
    Tasks(bench.store).request_cancel(task)

    assert work(bench, task).status is Status.CANCELLED


def test_two_supervisors_share_the_queue_and_run_each_task_once(
    tmp_path: Path, bench: Workbench, repo: Path, executor: StandIn
) -> None:
    other_executor = StandIn()
    other = bench_again(bench)
    other.store = Store(bench.home)
    other.make_executor = {"local": other_executor, "docker": StandIn(name="docker")}.__getitem__
    other._executors = {}
    ids = [queue(bench, repo).id for _ in range(8)]
    with Supervisor(bench, kind="a", say=silent), Supervisor(other, kind="b", say=silent):
        assert {settled(bench, task).status for task in ids} == {Status.COMPLETED}
    other.store.close()

    assert sorted(job.task for job in executor.jobs + other_executor.jobs) == sorted(ids)


def test_a_process_beats_for_what_it_runs_and_nothing_else(bench: Workbench, repo: Path) -> None:
    owner = Processes(bench.store).register("test")
    first, second = (queue(bench, repo).id for _ in range(2))
    for _ in range(2):
        Tasks(bench.store).claim(owner, executors=["local"], concurrency=9)
    bench.store.queue.write("UPDATE task SET lease_until = 7")

    Processes(bench.store).beat(owner, [first])

    leases = {row["id"]: row["lease_until"] for row in bench.store.queue.rows("SELECT id, lease_until FROM task")}
    assert (leases[first] > 7, leases[second]) == (True, 7)
