"""The processes that work the queue: one row a boot of each, so that owners are told apart and the dead are known."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from pithy_local.clock import ProcessIdentity
from pithy_local.models import Task
from pithy_local.store.database import Store
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import LEASE_MS, Tasks

NAMED = "named"
"""The kind of a process that works only tasks that were named to it."""


@dataclass(frozen=True, kw_only=True)
class OwnedTask:
    """A running task and what is known of its owner.

    `owner_alive`: its process lives and its lease holds. `silent`: the process lives, but its lease ran out: it hangs,
    or was suspended and has not had the time to beat. `owns`: how many tasks the process holds.
    """

    task: Task
    owner: str
    owner_alive: bool
    silent: bool = False
    owns: int = 1


class Processes:
    """One row a boot of a supervisor."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, kind: str) -> str:
        """Write this process' row; its id is the owner of what it claims."""
        me, owner = ProcessIdentity.current(), uuid.uuid4().hex
        self._store.queue.write(
            "INSERT INTO process(id, kind, pid, started, boot_id, created_at) VALUES (?,?,?,?,?,?)",
            (owner, kind, me.pid, me.started, me.boot_id, self._store.clock.now_ms()),
        )
        return owner

    def unregister(self, owner: str) -> None:
        """Forget a process that owns nothing any more."""
        self._store.queue.write(
            "DELETE FROM process WHERE id = ? AND NOT EXISTS (SELECT 1 FROM task WHERE owner = process.id)", (owner,)
        )

    def any_alive(self) -> bool:
        """Whether some process works the whole queue; one that works only named tasks does not count."""
        rows = self._store.queue.rows("SELECT pid, started, boot_id FROM process WHERE kind <> ?", (NAMED,))
        return any(_identity(row).is_alive() for row in rows)

    def forget_dead(self) -> None:
        """Remove the rows of processes that are gone and own nothing."""
        rows = self._store.queue.rows(
            """SELECT id, pid, started, boot_id FROM process
               WHERE NOT EXISTS (SELECT 1 FROM task WHERE owner = process.id)"""
        )
        for row in rows:
            if not _identity(row).is_alive():
                self.unregister(row["id"])

    def beat(self, owner: str, tasks: Collection[str]) -> None:
        """Prolong the lease of these tasks of the process. What it owns but does not run must be found by recovery."""
        self._store.queue.write(
            """UPDATE task SET lease_until = ?
               WHERE owner = ? AND status = 'running' AND id IN (SELECT value FROM json_each(?))""",
            (self._store.clock.lease_ms() + LEASE_MS, owner, json.dumps(list(tasks))),
        )

    def owned(self) -> list[OwnedTask]:
        """Every running task that has an owner."""
        rows = self._store.queue.rows(
            """SELECT t.id, t.lease_until, p.id AS owner, p.pid, p.started, p.boot_id
               FROM task t JOIN process p ON p.id = t.owner WHERE t.status = 'running'"""
        )
        now, tasks = self._store.clock.lease_ms(), Tasks(self._store)
        held = Counter(row["owner"] for row in rows)
        found = []
        for row in rows:
            lives, holds = _identity(row).is_alive(), row["lease_until"] >= now
            found.append(OwnedTask(
                task=tasks.get(row["id"]), owner=row["owner"], owner_alive=lives and holds, silent=lives and not holds,
                owns=held[row["owner"]],
            ))  # fmt: skip
        return found

    def take_over(self, orphan: OwnedTask, owner: str) -> Lease | None:
        """Become the owner of a dead process' task; None when somebody else was quicker."""
        rows = self._store.queue.rows(
            """UPDATE task SET owner = ?, fence = fence + 1, lease_until = ?, updated_at = ?
               WHERE id = ? AND fence = ? AND owner = ? AND status = 'running' RETURNING fence""",
            (owner, self._store.clock.lease_ms() + LEASE_MS, self._store.clock.now_ms(),
             orphan.task.id, orphan.task.fence, orphan.owner),
        )  # fmt: skip
        return Lease(self._store, orphan.task, owner, rows[0]["fence"]) if rows else None


def _identity(row: sqlite3.Row) -> ProcessIdentity:
    return ProcessIdentity(pid=row["pid"], started=row["started"], boot_id=row["boot_id"])
