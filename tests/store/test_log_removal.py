"""Old logs go in short steps, never a live one's lines, and the file gets smaller."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from pithy_local.models import LogLine, Status, Stream, Task
from pithy_local.store import Store
from pithy_local.store.log_removal import STEP_LINES, LogRemoval
from pithy_local.store.logs import Bounds, Entry, Logs
from pithy_local.store.settled import Settled
from tests.seeding import claim, enqueue, settle
from tests.store.conftest import HandClock

WORDS = "removed"


@pytest.fixture
def removal(store: Store) -> LogRemoval:
    return LogRemoval(store)


@pytest.fixture
def settled(store: Store) -> Task:
    """With lines 1 to 5,000."""
    return settle(store, enqueue(store), Status.CANCELLED, log=[str(number) for number in range(1, 5_001)])


def all_lines(store: Store, task: Task) -> list[LogLine]:
    return Logs(store).page(task.id, limit=100_000)


def run(steps: Iterator[None]) -> int:
    return sum(1 for _ in steps)


def test_an_old_log_becomes_one_line_that_says_so(store: Store, removal: LogRemoval, settled: Task) -> None:
    [expired] = removal.expired(store.clock.now_ms() + 1)
    assert run(removal.expire(expired, WORDS)) == 3

    assert [(line.seq, line.stream, line.text) for line in all_lines(store, settled)] == [(5_000, Stream.SYS, WORDS)]
    assert Logs(store).bounds(settled.id) == Bounds(first=5_000, last=5_000)
    assert removal.expired(store.clock.now_ms() + 1) == []


def test_each_step_leaves_numbers_without_a_gap(store: Store, removal: LogRemoval, settled: Task) -> None:
    """A process that dies between two steps leaves a log that anybody can read, and go on removing."""
    [expired] = removal.expired(store.clock.now_ms() + 1)
    next(removal.expire(expired, WORDS))

    assert [line.seq for line in all_lines(store, settled)] == list(range(1 + STEP_LINES, 5_001))
    assert Logs(store).bounds(settled.id).first == 1 + STEP_LINES
    [again] = removal.expired(store.clock.now_ms() + 1)
    run(removal.expire(again, WORDS))
    assert [line.text for line in all_lines(store, settled)] == [WORDS]


def test_logs_of_younger_and_of_live_tasks_are_kept(
    store: Store, clock: HandClock, removal: LogRemoval, settled: Task
) -> None:
    running = claim(store, enqueue(store))
    logs = Logs(store)
    logs.open(running.n, 1, running.fence)
    logs.append(running.n, running.fence, [Entry(at=1, stream=Stream.OUT, text="live")])

    assert removal.expired(settled.finished_at or 0) == []
    clock.now += 10**9
    assert [log.last for log in removal.expired(clock.now)] == [5_000]


def test_a_task_that_is_worked_again_meanwhile_loses_no_line(
    store: Store, removal: LogRemoval, settled: Task
) -> None:  # fmt: skip
    [expired] = removal.expired(store.clock.now_ms() + 1)
    lease = claim(store, Settled(store).again(settled.id))
    logs = Logs(store)
    logs.open(lease.n, 2, lease.fence)
    logs.append(lease.n, lease.fence, [Entry(at=1, stream=Stream.OUT, text="new")])

    assert run(removal.expire(expired, WORDS)) == 0
    assert len(all_lines(store, settled)) == 5_001


def test_numbers_go_on_after_a_removal(store: Store, removal: LogRemoval, settled: Task) -> None:
    [expired] = removal.expired(store.clock.now_ms() + 1)
    run(removal.expire(expired, WORDS))
    lease = claim(store, Settled(store).again(settled.id))
    logs = Logs(store)
    logs.open(lease.n, 2, lease.fence)
    logs.append(lease.n, lease.fence, [Entry(at=1, stream=Stream.OUT, text="new")])

    assert [(line.seq, line.text) for line in all_lines(store, settled)] == [(5_000, WORDS), (5_001, "new")]
    assert [line.text for line in logs.page(settled.id, attempt=2)] == ["new"]


def test_what_a_dead_rm_left_behind_is_found(store: Store, removal: LogRemoval, settled: Task) -> None:
    number = store.queue.rows("SELECT n FROM task")[0]["n"]
    kept = settle(store, enqueue(store), Status.CANCELLED, log=["kept"])
    store.queue.write("DELETE FROM task WHERE id = ?", (settled.id,))
    assert removal.strangers() == [number]

    next(removal.drop(number))  # it dies again: the cursor is gone, lines are left
    assert removal.strangers() == [number]
    removal.remove(number)

    assert removal.strangers() == []
    assert [line.text for line in all_lines(store, kept)] == ["kept"]
    assert store.logs.rows("SELECT count(*) FROM line")[0][0] == 1


def test_the_file_gives_its_space_back(store: Store, removal: LogRemoval) -> None:
    task = settle(store, enqueue(store), Status.CANCELLED, log=["x" * 4_000] * 4_000)
    store.logs.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    before = store.home.logs_db.stat().st_size
    [expired] = removal.expired(store.clock.now_ms() + 1)
    run(removal.expire(expired, WORDS))

    assert run(removal.give_back()) > 3
    store.logs.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    assert store.home.logs_db.stat().st_size < before / 2
    assert store.logs.rows("PRAGMA integrity_check")[0][0] == "ok"
    assert [line.text for line in all_lines(store, task)] == [WORDS]


def test_a_file_that_cannot_shrink_is_left_alone(store: Store, removal: LogRemoval) -> None:
    settle(store, enqueue(store), Status.CANCELLED, log=["x" * 4_000] * 4_000)
    store.close()
    old = sqlite3.connect(store.home.logs_db, isolation_level=None)
    old.execute("PRAGMA auto_vacuum=0")
    old.execute("VACUUM")
    old.close()
    [expired] = removal.expired(store.clock.now_ms() + 1)
    run(removal.expire(expired, WORDS))

    assert run(removal.give_back()) == 0
