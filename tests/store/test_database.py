"""Opening, migrating, waiting for one's turn."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Status
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.database import NO_ROOM, StoreRuleError
from pithy_local.store.logs import Logs
from pithy_local.store.tasks import Tasks
from tests.seeding import enqueue, settle
from tests.store import old_home
from tests.store.conftest import new_task


def test_eight_processes_that_open_a_new_home_at_once_all_succeed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pithy_local.paths import Home; from pithy_local.store import Store;"
        "from pithy_local.store.tasks import Tasks; s = Store(Home(root=Path(sys.argv[1])));"
        "print(Tasks(s).instance); s.close()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "home")]

    openers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    said = [opener.communicate()[0].strip() for opener in openers]

    assert [opener.returncode for opener in openers] == [0] * 8
    assert len(set(said)) == 1


def test_a_writer_waits_for_another_ones_transaction(store: Store, tasks: Tasks) -> None:
    other = sqlite3.connect(store.home.queue_db, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()

    task = tasks.insert(new_task())

    release.join()
    other.close()
    assert tasks.get(task.id).title == "Fix the bug"


def test_a_writer_gives_up_when_its_patience_ends(store: Store) -> None:
    impatient = Store(store.home, patience=0.05)
    with store.queue.transaction(), pytest.raises(PithyError, match="locked") as refused:
        Tasks(impatient).insert(new_task())
    impatient.close()

    assert refused.value.code is ErrorCode.STORE


def test_what_ended_a_transaction_is_told_when_sqlite_has_rolled_it_back_itself(store: Store) -> None:
    """As it does when the disk is full."""
    store.queue.write("PRAGMA max_page_count = 1")
    with pytest.raises(PithyError) as refused, store.queue.transaction():
        store.queue.write("INSERT INTO meta VALUES ('big', ?)", ("x" * 5_000_000,))
    assert (refused.value.code, refused.value.hint) == (ErrorCode.DISK_FULL, NO_ROOM)

    store.queue.write("PRAGMA max_page_count = 1000000")
    with store.queue.transaction():
        store.queue.write("INSERT INTO meta VALUES ('small', 'x')")


def test_a_trigger_that_rolls_back_is_told_as_what_it_says(store: Store) -> None:
    store.queue.write("CREATE TRIGGER no BEFORE INSERT ON meta BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")

    with pytest.raises(StoreRuleError, match="no room"), store.queue.transaction():
        store.queue.write("INSERT INTO meta VALUES ('a', 'x')")


def test_a_commit_that_fails_leaves_the_connection_usable(store: Store) -> None:
    def break_a_rule() -> None:
        with store.queue.transaction():
            store.queue.write("PRAGMA defer_foreign_keys = ON")
            store.queue.write("INSERT INTO attempt(task, number, created_at) VALUES (99, 1, 1)")

    with pytest.raises(StoreRuleError, match="FOREIGN KEY"):
        break_a_rule()

    with store.queue.transaction():
        store.queue.write("INSERT INTO meta VALUES ('after', 'x')")
    assert store.queue.rows("SELECT * FROM attempt") == []


def test_a_checkpoint_that_fails_is_an_error_with_a_code(store: Store) -> None:
    impatient = Store(store.home, patience=0.05)
    with pytest.raises(PithyError) as refused, impatient.queue.transaction():
        impatient.queue.checkpoint()
    impatient.close()

    assert refused.value.code is ErrorCode.STORE


def test_a_store_may_be_closed_before_the_threads_that_used_it_end(store: Store) -> None:
    used, closed, failed = threading.Event(), threading.Event(), []

    def use() -> None:
        Tasks(store).counts()
        used.set()
        closed.wait(60)
        try:
            store.close_thread()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    used.wait(60)
    store.close()
    closed.set()
    thread.join()

    assert failed == []


def test_a_newer_schema_is_refused(store: Store) -> None:
    store.queue.write("PRAGMA user_version=99")

    with pytest.raises(PithyError, match="newer version") as refused:
        Store(store.home)
    assert refused.value.code is ErrorCode.STORE


@pytest.mark.parametrize(("name", "hint"), [("queue.db", "`pithy-local backup`"), ("logs.db", "move logs.db")])
def test_a_damaged_file_is_an_error_that_says_how_to_go_on(tmp_path: Path, name: str, hint: str) -> None:
    home = Home(root=tmp_path / "home").prepare()
    (home.root / name).write_bytes(b"this is not a database at all" * 100)

    with pytest.raises(PithyError) as refused:
        Store(home)
    assert refused.value.code is ErrorCode.STORE
    assert hint in refused.value.hint


def test_a_home_whose_log_was_moved_away_goes_on_with_a_new_one(store: Store) -> None:
    task = settle(store, enqueue(store), Status.COMPLETED, log=["one"])
    store.close()
    for file in store.home.root.glob("logs.db*"):
        file.rename(store.home.root / f"{file.name}.damaged")

    with closing(Store(store.home)) as again:
        assert Tasks(again).get(task.id).status is Status.COMPLETED
        assert Logs(again).page(task.id) == []


def test_a_home_that_cannot_be_made_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(PithyError) as refused:
        Store(Home(root=tmp_path / "file" / "home"))
    assert (refused.value.code, refused.value.exit_code) == (ErrorCode.STORE, 3)


def test_the_change_token_sees_another_connections_commit(store: Store) -> None:
    before = store.change_token()
    other = Store(store.home)
    Tasks(other).insert(new_task())
    other.close()

    assert store.change_token() != before


def test_the_home_is_private(store: Store) -> None:
    assert store.home.root.stat().st_mode & 0o777 == 0o700


def test_a_home_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    home = old_home.make(tmp_path / "home")

    store = Store(home)

    task = Tasks(store).get(old_home.TASK)
    assert (task.usage.total_tokens, task.publish, task.verify) == (42, "auto", ())
    assert Tasks(store).instance == old_home.INSTANCE
    assert store.queue.rows("PRAGMA integrity_check")[0][0] == "ok"
    assert store.queue.rows("PRAGMA foreign_key_check") == []
    store.close()


@pytest.mark.parametrize("name", ["queue", "logs"])
def test_bringing_it_up_to_date_waits_for_who_writes(tmp_path: Path, name: str) -> None:
    """A worker of the older version goes on meanwhile."""
    home = old_home.make(tmp_path / "home")
    path = {"queue": home.queue_db, "logs": home.logs_db}[name]
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as worker:
        worker.execute("PRAGMA journal_mode = WAL")
        worker.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, lambda: worker.execute("COMMIT")).start()
        with closing(Store(home)) as store:
            assert Tasks(store).get(old_home.TASK).status is Status.QUEUED
