"""The leader's hourly round over the logs: old ones go, a slice a tick, and a log that a reader blocks is told."""

from __future__ import annotations

import sqlite3

import pytest

from pithy_local.clock import day_of
from pithy_local.config import LogSettings
from pithy_local.lifecycle.upkeep.retention import ROUND_MS, Retention
from pithy_local.models import Status, Stream, Task, TaskError
from pithy_local.store import Store
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.tasks import Tasks
from pithy_local.store.webhooks import Webhooks
from tests.seeding import claim, enqueue, settle
from tests.store.conftest import HandClock

DAY_MS = 86_400_000


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def retention(store: Store, said: list[str]) -> Retention:
    return Retention(store, LogSettings(retention="7d"), said.append)


def texts(store: Store, task: Task) -> list[str]:
    return [line.text for line in Logs(store).page(task.id)]


def test_a_log_older_than_the_setting_is_removed_and_says_so(
    store: Store, clock: HandClock, retention: Retention, said: list[str]
) -> None:
    old = settle(store, enqueue(store), Status.CANCELLED, log=["a", "b"])
    clock.now += 5 * DAY_MS
    young = settle(store, enqueue(store), Status.CANCELLED, log=["c"])
    clock.now += 3 * DAY_MS
    retention.tick()

    assert texts(store, young) == ["c"]
    assert texts(store, old) == [
        f"This log was removed on {day_of(clock.now)}: the task had ended more than 7d before (logs.retention)."
    ]
    assert said == ["removed the logs of tasks that ended more than 7d ago: 1"]


def test_the_ids_of_old_reports_are_forgotten(store: Store, clock: HandClock, retention: Retention) -> None:
    webhooks = Webhooks(store)
    for name in ("old", "young"):
        task = Tasks(store).execute(enqueue(store, executor="github-actions").id)
        assert webhooks.settle(task, name, TaskError(code="agent_failed", message="no", hint=""))
        clock.now += 16 * DAY_MS
    retention.tick()

    assert [webhooks.seen(name) for name in ("old", "young")] == [False, True]


def test_nothing_is_looked_at_between_two_rounds(store: Store, clock: HandClock, retention: Retention) -> None:
    retention.tick()
    old = settle(store, enqueue(store), Status.CANCELLED, log=["a"])
    clock.now += 8 * DAY_MS
    clock.boot += ROUND_MS - 1
    retention.tick()
    assert texts(store, old) == ["a"]

    clock.boot += 1
    retention.tick()
    assert texts(store, old) != ["a"]


def test_a_long_log_is_removed_in_slices_that_end_soon(store: Store, clock: HandClock, retention: Retention) -> None:
    old = settle(store, enqueue(store), Status.CANCELLED, log=["x" * 50] * 300_000)
    clock.now += 8 * DAY_MS
    ticks = 0
    while Logs(store).bounds(old.id).first < 300_000:
        retention.tick()
        ticks += 1

    assert ticks > 1
    assert len(texts(store, old)) == 1


def test_a_round_that_failed_is_begun_anew_an_hour_later(
    store: Store, clock: HandClock, retention: Retention
) -> None:  # fmt: skip
    old = settle(store, enqueue(store), Status.CANCELLED, log=["a"])
    clock.now += 8 * DAY_MS
    store.logs.write("CREATE TRIGGER bad BEFORE UPDATE ON line BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")
    with pytest.raises(Exception, match="no room"):
        retention.tick()
    store.logs.write("DROP TRIGGER bad")
    clock.boot += ROUND_MS
    retention.tick()

    assert len(texts(store, old)) == 1
    assert texts(store, old) != ["a"]


def test_a_reader_that_never_ends_stops_no_writer_and_is_told(store: Store, said: list[str]) -> None:
    retention = Retention(store, LogSettings(), said.append, large_wal=1 << 20)
    lease = claim(store, enqueue(store))
    logs = Logs(store)
    logs.open(lease.n, 1, lease.fence)
    reader = sqlite3.connect(store.home.logs_db)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM line").fetchone() == (0,)
    for _ in range(50):
        logs.append(lease.n, lease.fence, [Entry(at=1, stream=Stream.OUT, text="x" * 1_000)] * 50)
        store.logs.checkpoint()
        retention.watch_wal()
    assert logs.last_seq(lease.task.id) == 2_500
    assert said == ["logs.db-wal has grown to 1 MiB: a program that reads the file keeps it from being emptied"]

    reader.close()
    store.logs.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    retention.watch_wal()
    assert (store.home.root / "logs.db-wal").stat().st_size == 0
    assert len(said) == 1
