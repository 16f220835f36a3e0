"""A home whose disk is full or takes no writes: refused in words, nothing lost, and it goes on when there is room."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Phase, Status, Stream
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.e2e.world import World
from tests.fakes.small_disk import full, read_only, small_disk
from tests.store.conftest import new_task

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")

LONG = "x" * 20_000
"""More than what is free in the last block of any file."""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "home") as folder:
        yield folder


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    """Both files are whole in the end."""
    opened = Store(Home(root=root))
    try:
        yield opened
        for connection in (opened.queue, opened.logs):
            assert [row[0] for row in connection.rows("PRAGMA integrity_check")] == ["ok"]
    finally:
        opened.close()


@pytest.fixture
def lease(store: Store) -> Lease:
    """Of a task that a process of ours runs."""
    Tasks(store).insert(new_task())
    owner = Processes(store).register("test")
    task = Tasks(store).claim(owner, executors=["docker"], concurrency=1)
    assert task is not None
    return Lease(store, task, owner)


def until_full(write: Callable[[], object]) -> PithyError:
    """Write until the disk takes no more: what is free inside the files is used up first."""
    for _ in range(1_000):
        try:
            write()
        except PithyError as error:
            return error
    raise AssertionError("a full disk takes everything")


def test_a_task_that_was_not_acknowledged_is_not_there_and_the_others_are(root: Path, store: Store) -> None:
    tasks = Tasks(store)
    before = tasks.insert(new_task())
    with full(root):
        error = until_full(lambda: tasks.insert(new_task(LONG)))
        kept = [task.id for task in tasks.select()]

    assert (error.code, bool(error.hint)) == (ErrorCode.DISK_FULL, True)
    assert kept[-1] == before.id
    after = tasks.insert(new_task(LONG))
    assert [task.id for task in tasks.select()] == [after.id, *kept]


def test_a_claim_that_cannot_be_written_leaves_the_task_queued(root: Path, store: Store) -> None:
    tasks = Tasks(store)
    owner = Processes(store).register("test")
    ids = [tasks.insert(new_task()).id for _ in range(50)]

    def claim() -> object:
        return tasks.claim(owner, executors=["docker"], concurrency=99)

    with full(root):
        error = until_full(claim)
        statuses = [tasks.get(task).status for task in ids]

    assert error.code is ErrorCode.DISK_FULL
    claimed = statuses.count(Status.RUNNING)
    assert statuses == [Status.RUNNING] * claimed + [Status.QUEUED] * (50 - claimed)
    found = tasks.claim(owner, executors=["docker"], concurrency=99)
    assert (found and found.id) == ids[claimed]


def test_lines_that_cannot_be_written_leave_no_gap(root: Path, store: Store, lease: Lease) -> None:
    logs = Logs(store)
    logs.open(lease.n, 1, lease.fence)

    def append(text: str = LONG) -> int:
        return logs.append(lease.n, lease.fence, [Entry(at=1, stream=Stream.OUT, text=text)])

    with full(root):
        error = until_full(append)
        kept = logs.page(lease.task.id)
    append("after")

    assert error.code is ErrorCode.DISK_FULL
    lines = logs.page(lease.task.id)
    assert [line.seq for line in lines] == list(range(1, len(kept) + 2))
    assert lines[-1].text == "after"


def test_an_end_that_cannot_be_written_is_written_later_whole(root: Path, store: Store, lease: Lease) -> None:
    def settle() -> None:
        lease.record_step(LONG)
        lease.settle(Status.CANCELLED)

    with full(root):
        error = until_full(settle)
        held = Tasks(store).get(lease.task.id)
    lease.settle(Status.CANCELLED)

    assert (error.code, held.status, held.phase) == (ErrorCode.DISK_FULL, Status.RUNNING, Phase.PREPARING)
    assert Tasks(store).get(lease.task.id).status is Status.CANCELLED
    assert Tasks(store).attempts(lease.task.id)[0].outcome == "cancelled"


def test_a_read_only_home_is_said_so_by_each_verb(local_world: World) -> None:
    with small_disk(local_world.home):
        task = local_world.add()
        with read_only(local_world.home):
            refused = {verb[0]: local_world.run(*verb) for verb in (("add", "Go", "--repo", "acme/api"), ("list",))}
        local_world.ok("run", "--until-idle")

        assert {verb: ran.code for verb, ran in refused.items()} == {"add": 3, "list": 3}
        for ran in refused.values():
            assert ("Read-only" in ran.err or "readonly" in ran.err, "Traceback" in ran.err) == (True, False), ran.err
            assert str(local_world.home) in ran.err
        assert local_world.show(task)["status"] == "completed"
