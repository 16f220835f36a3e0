"""Opening, migrating, waiting for one's turn."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.tasks import Tasks
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


def test_a_newer_schema_is_refused(store: Store) -> None:
    store.queue.write("PRAGMA user_version=99")

    with pytest.raises(PithyError, match="newer version") as refused:
        Store(store.home)
    assert refused.value.code is ErrorCode.STORE


def test_a_file_that_is_no_database_is_an_error_with_a_hint(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "home").prepare()
    home.queue_db.write_bytes(b"this is not a database at all" * 100)

    with pytest.raises(PithyError) as refused:
        Store(home)
    assert refused.value.code is ErrorCode.STORE


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
