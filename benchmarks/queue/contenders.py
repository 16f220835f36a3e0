"""Queues on SQLite behind one interface. All write with synchronous=FULL: what is acknowledged survives a power cut."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pithy_local.errors import PithyError
from pithy_local.models import NewTask, Status, Task
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks

PROMPT = "Fix the flaky test. " * 10
UNLIMITED = 1 << 30


class Locked(Exception):
    """SQLite said that the database is locked: the call did nothing."""


class Contender(Protocol):
    """A queue in `folder`; one instance a process. Every method raises Locked."""

    def add(self, name: str) -> str:
        """Enqueue one; what it is known by when it is claimed."""

    def claim(self) -> str | None:
        """Take the next one."""

    def finish(self) -> None:
        """End the one that was claimed last."""

    def fill(self, finished: int) -> None:
        """Make it a file with this many tasks that have ended, as years of use would."""

    def close(self) -> None: ...


class Ours:
    """The product's own store: every task with its attempt, its history, its notification, all rules on."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(Home(root=folder / "home"))
        self.tasks = Tasks(self.store)
        self.owner = Processes(self.store).register("benchmark")
        self.claimed: Task | None = None

    def add(self, name: str) -> str:
        new = NewTask(title=name, prompt=PROMPT, repo="acme/api", executor="docker", provider="openai", model="gpt-4o")
        try:
            return self.tasks.insert(new).id
        except PithyError as error:
            raise _locked(error) from error

    def claim(self) -> str | None:
        try:
            self.claimed = self.tasks.claim(self.owner, executors=["docker"], concurrency=UNLIMITED)
        except PithyError as error:
            raise _locked(error) from error
        return self.claimed.id if self.claimed else None

    def finish(self) -> None:
        assert self.claimed is not None
        try:
            Lease(self.store, self.claimed, self.owner).settle(Status.FAILED)
        except PithyError as error:
            raise _locked(error) from error

    def fill(self, finished: int) -> None:
        queue = self.store.queue
        triggers = queue.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        with queue.transaction():  # in one go: by the rules it would take an hour
            for trigger in triggers:
                queue.write(f"DROP TRIGGER {trigger['name']}")
            for sql in _FINISHED:
                queue.write(sql, {"many": finished, "prompt": PROMPT})
            for trigger in triggers:
                queue.write(trigger["sql"])
        queue.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self.store.close()


_FINISHED = (
    """WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < :many)
       INSERT INTO task(id, title, prompt, repo, executor, provider, model, branch, status, fence, created_at,
                        updated_at, started_at, finished_at)
       SELECT printf('%010d', n), 'Task ' || n, :prompt, 'acme/api', 'docker', 'openai', 'gpt-4o',
              'pj/' || printf('%010d', n), 'failed', 1, n, n, n, n FROM k""",
    """INSERT INTO attempt(task, number, outcome, created_at, started_at, finished_at)
       SELECT n, 1, 'failed', n, n, n FROM task WHERE status = 'failed' AND :many AND :prompt <> ''""",
    """INSERT INTO event(task, attempt, at, kind, body)
       SELECT n, 1, n, 'status', '{"from":"running","to":"failed","fence":1}' FROM task
       WHERE status = 'failed' AND :many AND :prompt <> ''""",
)


def _locked(error: PithyError) -> Exception:
    return Locked() if "locked" in error.message else error


class Naive:
    """What a first draft does: the connection's defaults, select the next, then update it."""

    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(folder / "naive.db")
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.executescript("""CREATE TABLE IF NOT EXISTS task(
              id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS task_status ON task(status)""")
        self.claimed = 0

    def add(self, name: str) -> str:
        return str(self._write("INSERT INTO task(prompt, status) VALUES (?, 'queued')", f"{name} {PROMPT}").lastrowid)

    def claim(self) -> str | None:
        row = self.db.execute(
            "SELECT id FROM task WHERE status = 'queued' ORDER BY priority DESC, id LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        self.claimed = row[0]
        self._write("UPDATE task SET status = 'running' WHERE id = ?", self.claimed)
        return str(self.claimed)

    def finish(self) -> None:
        self._write("UPDATE task SET status = 'failed' WHERE id = ?", self.claimed)

    def fill(self, finished: int) -> None:
        with self.db:
            self.db.execute(
                """WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < ?)
                   INSERT INTO task(prompt, status) SELECT ?, 'failed' FROM k""",
                (finished, PROMPT),
            )

    def close(self) -> None:
        self.db.close()

    def _write(self, sql: str, value: object) -> sqlite3.Cursor:
        try:
            cursor = self.db.execute(sql, (value,))
            self.db.commit()
        except sqlite3.OperationalError as error:
            self.db.rollback()
            if "locked" not in str(error):
                raise
            raise Locked from error
        return cursor


class Huey:
    """huey's SqliteHuey with fsync: a claim deletes the row, an end writes a result. It keeps no history."""

    def __init__(self, folder: Path) -> None:
        from huey import SqliteHuey

        self.huey = SqliteHuey(filename=str(folder / "huey.db"), fsync=True)
        self.work = self.huey.task(name="work")(_nothing)
        self.claimed: Any = None

    def add(self, name: str) -> str:
        task = self.work.s(f"{name} {PROMPT}")
        self._safely(self.huey.enqueue, task)
        return str(task.id)

    def claim(self) -> str | None:
        self.claimed = self._safely(self.huey.dequeue)
        return str(self.claimed.id) if self.claimed else None

    def finish(self) -> None:
        self._safely(self.huey.put_result, self.claimed.id, "failed")

    def fill(self, finished: int) -> None:
        storage = self.huey.storage
        with storage.db(commit=True) as cursor:
            cursor.execute(
                """WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < ?)
                   INSERT INTO kv(queue, key, value) SELECT ?, printf('%036d', n), zeroblob(40) FROM k""",
                (finished, storage.name),
            )

    def close(self) -> None:
        self.huey.storage.close()

    def _safely(self, act: Any, *args: object) -> Any:
        try:
            return act(*args)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise Locked from error


def _nothing(prompt: str) -> None:
    """What huey would call."""


CONTENDERS: dict[str, Callable[[Path], Contender]] = {"ours": Ours, "naive": Naive, "huey": Huey}
