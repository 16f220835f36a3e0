"""Processes that die, hang or read for long in the middle of SQLite's work: the others go on, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Status
from pithy_local.paths import Home
from pithy_local.store import Store, schema
from pithy_local.store.tasks import Tasks
from tests.store import old_home
from tests.store.conftest import new_task
from tests.support import wait_until

KILLS = 10
OPEN = """
import os, signal, sqlite3, sys
from pathlib import Path
from pithy_local.paths import Home
from pithy_local.store import Store
at, seen, connect = int(sys.argv[2]), 0, sqlite3.connect
def look(sql):
    global seen
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)
def connect_traced(*args, **options):
    db = connect(*args, **options)
    db.set_trace_callback(look)
    return db
sqlite3.connect = connect_traced
Store(Home(root=Path(sys.argv[1]))).close()
print(seen)
"""
"""Opens the home in argv[1]; dies before the statement whose number is in argv[2]."""
WRITE = """
import sys
from pathlib import Path
from pithy_local.models import NewTask
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.tasks import Tasks
store = Store(Home(root=Path(sys.argv[1])))
while True:
    new = NewTask(title="t", prompt="p" * 5000, repo="acme/api", executor="docker", provider="openai", model="m")
    print(Tasks(store).insert(new).id, flush=True)
    store.queue.checkpoint()
"""
HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""


def _python(code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip


def sound(store: Store) -> bool:
    """Both files are whole and at the product's version."""
    versions = [connection.rows("PRAGMA user_version")[0][0] for connection in (store.queue, store.logs)]
    whole = [connection.rows("PRAGMA integrity_check")[0][0] for connection in (store.queue, store.logs)]
    broken = store.queue.rows("PRAGMA foreign_key_check")
    return (versions, whole, broken) == ([schema.QUEUE_VERSION, schema.LOGS_VERSION], ["ok", "ok"], [])


def test_a_migration_that_is_killed_at_any_statement_is_finished_by_the_next_process(tmp_path: Path) -> None:
    old = old_home.make(tmp_path / "old").root

    def opened(folder: Path, kill_at: int) -> subprocess.Popen[str]:
        shutil.copytree(old, folder)
        return _python(OPEN, str(folder), str(kill_at))

    statements = int(opened(tmp_path / "whole", 0).communicate()[0])
    points = [1 + number * (statements - 1) // (KILLS - 1) for number in range(KILLS)]
    for at in points:
        killed = opened(tmp_path / str(at), at)
        killed.communicate()
        store = Store(Home(root=tmp_path / str(at)))
        task, instance = Tasks(store).get(old_home.TASK), Tasks(store).instance
        assert (killed.returncode, sound(store)) == (-signal.SIGKILL, True), at
        assert (task.status, task.usage.total_tokens, instance) == (Status.QUEUED, 42, old_home.INSTANCE), at
        store.close()


def test_what_was_acknowledged_is_there_after_a_kill_in_the_middle_of_writes_and_checkpoints(store: Store) -> None:
    acknowledged: set[str] = set()
    for _ in range(3):
        writer = _python(WRITE, str(store.home.root))
        assert writer.stdout is not None
        for _ in range(25):
            acknowledged.add(writer.stdout.readline().strip())
        writer.kill()
        acknowledged.update(line for line in writer.communicate()[0].split("\n") if len(line) == 10)

    assert acknowledged <= {task.id for task in Tasks(store).select()}
    assert len(acknowledged) >= 75
    assert sound(store)


@pytest.fixture
def holder(store: Store) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the write lock until it is killed or told to end."""
    process = _python(HOLD, str(store.home.queue_db))
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_process_that_holds_the_lock_for_too_long_is_an_error_and_reading_goes_on(
    store: Store, tasks: Tasks, holder: subprocess.Popen[str]
) -> None:
    impatient = Store(store.home, patience=0.2)

    with pytest.raises(PithyError, match="locked") as refused:
        Tasks(impatient).insert(new_task())

    assert (refused.value.code, refused.value.exit_code) == (ErrorCode.STORE, 3)
    assert Tasks(impatient).select() == []
    impatient.close()


def test_a_killed_process_holds_no_lock(store: Store, tasks: Tasks, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)

    assert tasks.insert(new_task()).status is Status.QUEUED


def test_a_reader_of_an_old_state_stops_neither_writers_nor_checkpoints(store: Store, tasks: Tasks, owner: str) -> None:
    """A viewer that holds a transaction for minutes: it sees the queue as it was, the log grows meanwhile, and what it
    takes on the disk is given back when it has ended."""
    tasks.insert(new_task())
    viewer = Store(store.home)
    viewer.queue.write("BEGIN")
    assert len(Tasks(viewer).select()) == 1

    for _ in range(200):
        tasks.insert(new_task("p" * 5_000))
        store.queue.checkpoint()
    assert tasks.claim(owner, executors=["docker"], concurrency=1) is not None
    assert Tasks(viewer).counts() == {Status.QUEUED: 1}
    log = store.home.queue_db.with_name("queue.db-wal")
    grown = log.stat().st_size
    assert grown > 1_000_000

    viewer.queue.write("COMMIT")
    assert Tasks(viewer).counts()[Status.QUEUED] == 200
    viewer.close()
    wait_until(lambda: _rewinds(store, grown), what="the log to be used from its start again")


def _rewinds(store: Store, grown: int) -> bool:
    store.queue.checkpoint()
    Tasks(store).insert(new_task("p" * 5_000))
    return store.home.queue_db.with_name("queue.db-wal").stat().st_size == grown and sound(store)
