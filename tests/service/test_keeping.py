"""Backups that can be restored, and files that are whole or not there."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from pithy_local import service
from pithy_local.errors import ErrorCode, PithyError, Refused, UsageError
from pithy_local.models import Status, Stream
from pithy_local.paths import Home
from pithy_local.service import App
from pithy_local.store import Store
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.tasks import Tasks
from tests.seeding import claim, enqueue, settle
from tests.support import wait_until

LINES = [f"line {number}" for number in range(3_000)]


def restored(file: Path, folder: Path) -> Store:
    """What the manual says: unpacked into an empty folder, and used as the home."""
    folder.mkdir()
    subprocess.run(["tar", "-xf", file, "-C", folder], check=True)
    return Store(Home(root=folder))


def test_a_backup_is_restored_by_unpacking_it(app: App, tmp_path: Path) -> None:
    task = settle(app.store, enqueue(app.store), Status.COMPLETED, log=LINES, diff=b"the diff\n")
    file = tmp_path / "saved.tar"
    size = service.backup(app, file)

    assert (file.stat().st_size, file.stat().st_mode & 0o777) == (size, 0o600)
    with closing(restored(file, tmp_path / "again")) as store:
        assert [line.text for line in Logs(store).page(task.id, limit=10_000)] == LINES
        assert Tasks(store).get(task.id) == task
        assert task.patch is not None
        assert (store.home.root / task.patch.path).read_bytes() == b"the diff\n"
        for database in (store.queue, store.logs):
            assert database.rows("PRAGMA integrity_check")[0][0] == "ok"
        assert enqueue(store).id != task.id


def test_nothing_but_the_backup_is_left(app: App, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    service.backup(app, folder / "saved.tar")

    assert [path.name for path in folder.iterdir()] == ["saved.tar"]
    assert list(app.home.scratch.iterdir()) == []
    with tarfile.open(folder / "saved.tar") as tar:
        assert {member.name for member in tar.getmembers()} == {"queue.db", "logs.db"}
        assert {member.mode for member in tar.getmembers()} == {0o600}


def test_a_file_that_exists_is_replaced_only_when_that_is_said(app: App, tmp_path: Path) -> None:
    file = tmp_path / "saved.tar"
    file.write_text("mine")
    with pytest.raises(Refused, match="exists"):
        service.backup(app, file)
    assert file.read_text() == "mine"

    service.backup(app, file, replace=True)
    assert tarfile.is_tarfile(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_while_tasks_are_worked_holds_no_line_of_a_task_it_does_not_know(app: App, tmp_path: Path) -> None:
    """Else a new task of the restored home would get the number, and with it the lines, of one that is not there."""
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            settle(app.store, enqueue(app.store), Status.CANCELLED, log=["x"] * 50)
        app.store.close_thread()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(5):
            service.backup(app, tmp_path / f"{number}.tar")
    finally:
        done.set()
        worker.join()
    for number in range(5):
        with closing(restored(tmp_path / f"{number}.tar", tmp_path / str(number))) as store:
            known = {row[0] for row in store.queue.rows("SELECT n FROM task")}
            assert {row[0] for row in store.logs.rows("SELECT DISTINCT task FROM line")} <= known
            settled = store.queue.rows("SELECT n, id FROM task WHERE status = 'cancelled'")
            assert all(Logs(store).last_seq(row["id"]) == 50 for row in settled)


def test_a_restored_running_task_can_be_taken_over(app: App, tmp_path: Path) -> None:
    lease = claim(app.store, enqueue(app.store))
    logs = Logs(app.store)
    logs.open(lease.n, 1, lease.fence + 5)  # claimed again and again between the two copies
    logs.append(lease.n, lease.fence + 5, [Entry(at=1, stream=Stream.OUT, text="x")])
    service.backup(app, tmp_path / "saved.tar")

    with closing(restored(tmp_path / "saved.tar", tmp_path / "again")) as store:
        bounds, _ = Logs(store).open(lease.n, 1, lease.fence + 1)
        assert bounds.last == 1


def test_two_backups_of_a_home_do_not_run_at_once(app: App, tmp_path: Path) -> None:
    with open(app.home.lock("backup"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="another backup"):
            service.backup(app, tmp_path / "saved.tar")
    assert not (tmp_path / "saved.tar").exists()


KILLED = """
import sys
from pathlib import Path
from pithy_local import service
app = service.open_app(home=sys.argv[1], env={})
with service.whole_file(Path(sys.argv[2])) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    sys.stdin.read()
"""


def test_a_writer_that_is_killed_leaves_what_was_there(app: App, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.write_text("whole")
    argv = [sys.executable, "-c", KILLED, str(app.home.root), str(file)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        with pytest.raises(Refused, match="another process is writing"), service.whole_file(file):
            pass
        writer.send_signal(signal.SIGKILL)
    assert file.read_text() == "whole"

    with service.whole_file(file) as target:
        target.write(b"new")
    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir() if "saved" in path.name] == ["saved"]


def test_a_backup_that_is_killed_leaves_no_file_and_the_next_one_clears_up(app: App, tmp_path: Path) -> None:
    settle(app.store, enqueue(app.store), Status.CANCELLED, log=["x" * 1_000] * 20_000)
    code = "import sys; from pathlib import Path; from pithy_local import service\n"
    code += "service.backup(service.open_app(home=sys.argv[1], env={}), Path(sys.argv[2]))"
    file = tmp_path / "saved.tar"
    with subprocess.Popen([sys.executable, "-c", code, str(app.home.root), str(file)]) as writer:
        wait_until(lambda: (app.home.scratch / "backup").exists() or writer.poll() is not None)
        writer.kill()
    assert not file.exists()

    service.backup(app, file)
    assert not (app.home.scratch / "backup").exists()
    with tarfile.open(file) as tar:
        assert "logs.db" in tar.getnames()


def test_what_fails_in_the_middle_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("whole")

    def fail() -> None:
        with service.whole_file(file) as target:
            target.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert file.read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir() if "log" in path.name] == ["log"]


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    with pytest.raises(PithyError) as caught, service.whole_file(Path("/dev/full")) as target:
        target.write(b"x" * 100_000)
    assert caught.value.code is ErrorCode.DISK_FULL


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.touch(0o400)
    with pytest.raises(UsageError, match="cannot write"), service.whole_file(file):
        pass


def test_no_file_of_the_home_is_replaced(app: App, tmp_path: Path) -> None:
    """The queue itself, say, by its own backup."""
    (tmp_path / "link").symlink_to(app.home.queue_db)
    before = app.home.queue_db.read_bytes()
    for file in (app.home.queue_db, tmp_path / "link", tmp_path / "x" / ".." / "home" / "new.tar"):
        with pytest.raises(UsageError, match="inside the home"):
            service.backup(app, file, replace=True)
    assert app.home.queue_db.read_bytes() == before


def test_a_link_that_leads_to_itself_is_a_name_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.symlink_to(file)
    with service.whole_file(file) as target:
        target.write(b"whole")
    assert file.read_bytes() == b"whole"
