"""Two SQLite files, opened once a thread; writes that wait for their turn instead of failing.

`queue.db` is synchronous=FULL: what `add` acknowledged survives a power cut. `logs.db` is NORMAL: it carries the
volume, and a log line lost to a power cut is read again from the container.
"""

from __future__ import annotations

import fcntl
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pithy_local.clock import Clock, SystemClock
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.paths import Home

BUSY_DEADLINE = 30.0
"""Seconds a write waits for its turn before it gives up, unless told otherwise."""

NO_ROOM = "Free some disk space; once there is a little, `pithy-local prune` makes more."
"""Nothing can be removed from a queue that has no room to write that down."""

T = TypeVar("T")
Params = Sequence[Any] | Mapping[str, Any]


class Connection:
    """One thread's connection to one file, in autocommit: each write is one statement or `transaction()`."""

    def __init__(self, path: Path, *, synchronous: str, patience: float = BUSY_DEADLINE) -> None:
        self.path, self._patience = path, patience
        try:
            # timeout=0: SQLite's own busy handler is unfair (one writer starved at 16 turns of 4,800); ours is `_retry`
            self.raw = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise store_error(error, path) from error
        try:
            self.raw.row_factory = sqlite3.Row
            self._retry(lambda: self.raw.execute("PRAGMA journal_mode=WAL").fetchall())
            for pragma in (
                f"synchronous={synchronous}",
                "foreign_keys=ON",
                "journal_size_limit=67108864",
                "wal_autocheckpoint=0",  # the leader's task alone: SQLite < 3.51.3 can corrupt a file at a WAL reset
            ):
                self.raw.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.Error as error:
            self.raw.close()
            raise store_error(error, path) from error

    def rows(self, sql: str, params: Params = ()) -> list[sqlite3.Row]:
        """All rows of a statement, reading or writing. An unread RETURNING cursor would keep the write lock."""
        return self.in_turn(lambda: self.raw.execute(sql, params).fetchall())

    def row(self, sql: str, params: Params = ()) -> sqlite3.Row | None:
        found = self.rows(sql, params)
        return found[0] if found else None

    def teach(self, name: str, answer: Callable[[str], bool]) -> None:
        """From now on statements may ask `name(text)`."""
        self.raw.create_function(name, 1, answer, deterministic=True)

    def write(self, sql: str, params: Params = ()) -> int:
        """Run one statement; the number of rows it changed."""
        return self.in_turn(lambda: self.raw.execute(sql, params).rowcount)

    def in_turn(self, action: Callable[[], T]) -> T:
        """Do it, all of it again while another writer is in the way. Raises PithyError (store, disk_full)."""
        try:
            return self._retry(action)
        except sqlite3.DatabaseError as error:
            raise store_error(error, self.path) from error

    def write_many(self, sql: str, params: Sequence[Params]) -> None:
        try:
            self.raw.executemany(sql, params)
        except sqlite3.DatabaseError as error:
            raise store_error(error, self.path) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """BEGIN IMMEDIATE: a deferred BEGIN that reads first fails at once when another writer was quicker."""
        self.write("BEGIN IMMEDIATE")
        try:
            yield
            self.write("COMMIT")
        except BaseException:
            if self.raw.in_transaction:  # a full disk has ended it already
                self.raw.execute("ROLLBACK")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read in here is of one moment, whatever others write meanwhile. Write nothing in here."""
        self.write("BEGIN")
        try:
            yield
        finally:
            if self.raw.in_transaction:  # a file that cannot be read has ended it already
                self.raw.execute("ROLLBACK")

    def data_version(self) -> int:
        """Changes when another connection committed; costs microseconds."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, as far as no reader needs it. The leader alone does this."""
        self.rows("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self.raw.close()

    def _retry(self, action: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0.001, 0.002))


def store_error(error: sqlite3.Error, path: Path) -> PithyError:
    """What SQLite said, as an error a user can act on. Broken rules of the schema stay bugs: `internal`."""
    code = getattr(error, "sqlite_errorcode", 0)
    kind = code & 0xFF
    if kind == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:  # no room for the -shm file
        return PithyError(ErrorCode.DISK_FULL, f"no space left for {path.name}", hint=NO_ROOM)
    if kind in (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE):
        return StoreRuleError(ErrorCode.INTERNAL, f"{path.name}: {error}")
    hint = _mend(path.name) if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else None
    return PithyError(ErrorCode.STORE, f"cannot use {path}: {error}", hint=hint)


def _mend(name: str) -> str:
    """What to do about a damaged file (docs/troubleshooting.md, `store`)."""
    if name == "logs.db":
        return "End what works this home, then move logs.db, logs.db-wal and logs.db-shm away: only the logs are lost."
    return "Unpack what `pithy-local backup` saved into an empty folder and name that with --home, or begin a new one."


class StoreRuleError(PithyError):
    """A write broke a rule of the schema: an illegal change of status, a write-once column, a duplicate id."""


class Store:
    """The home's two databases. Safe to share between threads: each gets connections of its own.

    `patience`: seconds a write waits while another connection holds the file.
    """

    def __init__(self, home: Home, clock: Clock | None = None, *, patience: float = BUSY_DEADLINE) -> None:
        self.home = home
        self.clock = clock or SystemClock()
        self._patience = patience
        self._local = threading.local()
        self._opened: list[Connection] = []
        self._lock = threading.Lock()
        home.prepare()
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @property
    def queue(self) -> Connection:
        found: Connection | None = getattr(self._local, "queue", None)
        return found or self._connect("queue", self.home.queue_db, "FULL")

    @property
    def logs(self) -> Connection:
        found: Connection | None = getattr(self._local, "logs", None)
        return found or self._connect("logs", self.home.logs_db, "NORMAL")

    def change_token(self) -> tuple[int, int]:
        """Differs as soon as another connection has committed to the queue or to the logs."""
        return self.queue.data_version(), self.logs.data_version()

    def close_thread(self) -> None:
        """Close the calling thread's connections; a thread that ends calls this."""
        for name in ("queue", "logs"):
            connection = self._local.__dict__.pop(name, None)
            if connection is not None:
                with self._lock:
                    if connection in self._opened:  # else `close` was quicker
                        self._opened.remove(connection)
                connection.close()

    def close(self) -> None:
        """Close every thread's connections."""
        with self._lock:
            opened, self._opened = self._opened, []
        for connection in opened:
            connection.close()
        self._local = threading.local()

    def _connect(self, name: str, path: Path, synchronous: str) -> Connection:
        """The calling thread's own."""
        opened = Connection(path, synchronous=synchronous, patience=self._patience)
        setattr(self._local, name, opened)
        with self._lock:
            self._opened.append(opened)
        return opened

    def _migrate(self) -> None:
        from pithy_local.store import binding, schema

        if schema.is_current(self.queue, self.logs):
            return
        # two processes that migrate at once run a step twice, or crash: one at a time
        with open(self.home.lock("migrate"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            schema.migrate(self.queue, self.logs)
            binding.first_bind(self)
        self.close_thread()  # statements prepared against the older schema
