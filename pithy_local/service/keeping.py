"""Files that users keep: a log, a backup. Each appears under its name when it is complete, and not before."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pithy_local.errors import ErrorCode, PithyError, Refused, UsageError
from pithy_local.paths import remove_tree
from pithy_local.service.app import App
from pithy_local.store.database import Connection, store_error

if TYPE_CHECKING:
    import tarfile

PRIVATE = 0o600
NOT_NOW = "Try again when it has ended."


def backup(app: App, file: Path, *, replace: bool = False) -> int:
    """Write queue, logs and artifacts into one tar file that only its owner may read; its size in bytes.

    Work goes on meanwhile. Unpacked into an empty folder it is a home, as this one was when the backup began. Mirrors
    are not in it (they are fetched again), nor is any secret. Raises Refused for a file that exists without `replace`
    and while another backup runs, UsageError for what is no file or cannot be written, PithyError (store, disk_full).
    """
    import tarfile  # most verbs need not pay for it

    check_outside(app, file)
    if file.exists() and not file.is_file():
        hint = "Name a file on a disk: it can be sent on from there."
        raise UsageError(f"{file} is no regular file, and a backup is written to one alone", hint=hint)
    if file.exists() and not replace:
        raise Refused(f"{file} exists", hint="Name another file, or add --yes to replace it.")
    with _copies(app) as folder, whole_file(file, mode=PRIVATE) as target:
        with tarfile.open(fileobj=target, mode="w") as tar:
            # the queue first: then no task of the copy has settled without its last lines
            queue = _copy(app.store.queue, folder)
            logs = _copy(app.store.logs, folder)
            _fit(logs, queue)
            for copy in (queue, logs):
                tar.add(copy, copy.name)
                copy.unlink()
            for path in sorted((app.home.root / "artifacts").glob("*/*/[!.]*")):
                _add(tar, path, str(path.relative_to(app.home.root)))
        return target.tell()


def check_outside(app: App, path: Path) -> None:
    """Raises UsageError for a file within the home: one replaced there, `queue.db` say, would be lost for good."""
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(app.home.root)):
        raise UsageError(f"{path} is inside the home {app.home.root}", hint="Name a file outside of it.")


@contextmanager
def whole_file(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file to write that replaces what has its name when all went well; else, and after a kill, that stays.

    `mode`: of the new file, else that of the one it replaces, else what the umask allows. What is no regular file (a
    terminal, a pipe) is written as it is. Raises as `writable` does, and Refused while another process writes it.
    """
    with writable(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as special:
                yield special
            return
        path = Path(os.path.realpath(path))  # a link stays one: what it leads to is replaced
        name = path.with_name(f".{path.name}.part")
        if path.exists():
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            mode = stat.S_IMODE(path.stat().st_mode) if mode is None else mode
        with _locked(name, path) as part:
            try:
                if mode is not None:
                    os.fchmod(part.fileno(), mode)
                yield part
                part.flush()
                os.fsync(part.fileno())
                name.replace(path)
            except BaseException:
                name.unlink(missing_ok=True)
                raise


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Raises UsageError where `path` cannot be opened or written, PithyError (disk_full)."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PithyError(ErrorCode.DISK_FULL, f"no space left for {path}") from error
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="Name a file that you may write.") from error


@contextmanager
def _locked(name: Path, path: Path) -> Iterator[BinaryIO]:
    """The empty file `name`, which is ours alone: what a killed process left there is written anew."""
    with open(os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "wb") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.path.samestat(os.fstat(part.fileno()), name.stat())
        except (BlockingIOError, FileNotFoundError):
            ours = False
        if not ours:
            raise Refused(f"another process is writing {path}", hint=NOT_NOW)
        part.truncate()
        yield part


@contextmanager
def _copies(app: App) -> Iterator[Path]:
    """An empty folder of the home for the copies of its databases. Raises Refused while another backup has it."""
    folder = app.home.scratch / "backup"
    with open(app.home.lock("backup"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("another backup of this home runs", hint=NOT_NOW) from None
        remove_tree(folder)  # of one that was killed
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            remove_tree(folder)


def _copy(database: Connection, folder: Path) -> Path:
    """As it is in this moment: VACUUM INTO reads one state, and ends however much is written meanwhile."""
    copy = folder / database.path.name
    database.rows("VACUUM INTO ?", (str(copy),))
    copy.chmod(PRIVATE)
    return copy


def _fit(logs: Path, queue: Path) -> None:
    """Make the logs' copy, which is a moment younger, fit the queue's.

    Lines of tasks that the queue does not know would be those of the next tasks that get their numbers, and a fence
    that it has not given yet would keep the next owner out.
    """
    with closing(sqlite3.connect(logs, isolation_level=None)) as copy:
        try:
            copy.execute("ATTACH ? AS queue", (str(queue),))
            for table in ("line", "cursor"):
                copy.execute(f"DELETE FROM {table} WHERE task NOT IN (SELECT n FROM queue.task)")
            copy.execute("UPDATE cursor SET fence = min(fence, (SELECT fence FROM queue.task WHERE n = cursor.task))")
        except sqlite3.Error as error:
            raise store_error(error, logs) from error


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """One file, unless it is gone by now: its task was removed."""
    try:
        with path.open("rb") as file:
            tar.addfile(tar.gettarinfo(arcname=name, fileobj=file), file)
    except FileNotFoundError:
        return
