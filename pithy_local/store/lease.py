"""What the owner of a running task may write, and how owners are told apart.

Every write is fenced: it says `WHERE owner AND fence`, and 0 rows changed means that somebody else owns the
task now. Then LeaseLost is raised and nothing was written.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from pithy_local.clock import ProcessIdentity
from pithy_local.errors import Cancelled, LeaseLost
from pithy_local.models import Patch, Phase, Status, Task, TaskError, Verified
from pithy_local.store.calls import Calls
from pithy_local.store.database import Store
from pithy_local.store.tasks import LEASE_MS, Tasks

NAMED = "named"
"""The kind of a process that works only tasks that were named to it."""


@dataclass(frozen=True, kw_only=True)
class OwnedTask:
    """A running task and whether its owner is still there."""

    task: Task
    owner: str
    owner_alive: bool


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
        """Every running task that has an owner. A lease that ran out counts as dead whatever the process does."""
        rows = self._store.queue.rows(
            """SELECT t.id, t.lease_until, p.id AS owner, p.pid, p.started, p.boot_id
               FROM task t JOIN process p ON p.id = t.owner WHERE t.status = 'running'"""
        )
        now, tasks = self._store.clock.lease_ms(), Tasks(self._store)
        found = []
        for row in rows:
            alive = _identity(row).is_alive() and row["lease_until"] >= now
            found.append(OwnedTask(task=tasks.get(row["id"]), owner=row["owner"], owner_alive=alive))
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


class Lease:
    """The right to write about one running task."""

    def __init__(self, store: Store, task: Task, owner: str, fence: int | None = None) -> None:
        self._store = store
        self.task = task
        self.owner = owner
        self.fence = task.fence if fence is None else fence
        row = store.queue.row("SELECT n FROM task WHERE id = ?", (task.id,))
        self.n = int(row["n"]) if row else 0

    def check(self) -> None:
        """Raises LeaseLost, or Cancelled when the user asked for it. A read: cheap."""
        row = self._store.queue.row(
            "SELECT cancel_requested FROM task WHERE n = ? AND owner = ? AND fence = ?",
            (self.n, self.owner, self.fence),
        )
        if row is None:
            raise LeaseLost(self.task.id)
        if row["cancel_requested"]:
            raise Cancelled(self.task.id)

    def enter(self, phase: Phase) -> None:
        """Record where the attempt is."""
        self._update_task("phase = :phase", phase=phase.value)

    def begin_attempt(self) -> None:
        self._update_attempt(started_at=self._store.clock.now_ms())

    def record_container(self, name: str) -> None:
        """What the executor calls the sandbox, for whoever looks into it."""
        self._update_attempt(container=name)

    def pin_base(self, name: str, sha: str) -> None:
        """The branch and the commit that this attempt builds on."""
        self._update_attempt(base_name=name, base_sha=sha)

    def record_patch(self, patch: Patch) -> None:
        self._update_attempt(
            patch_path=patch.path, patch_bytes=patch.bytes, patch_files=patch.files, patch_added=patch.added,
            patch_removed=patch.removed, patch_mended=patch.mended,
        )  # fmt: skip

    def record_commit(self, sha: str) -> None:
        """Write-once: what will be pushed, durable before the push."""
        self._update_attempt(head_sha=sha)

    def record_pr(self, number: int, url: str) -> None:
        self._update_attempt(pr_number=number, pr_url=url)

    def record_verify(self, verified: Sequence[Verified]) -> None:
        """How the verify commands ended, so far."""
        self._update_attempt(verify=json.dumps([asdict(each) for each in verified]))

    def record_step(self, text: str) -> None:
        """What the sandbox says it is doing now: a hint for people, kept in the history."""
        self._record("step", {"text": text})

    def record_answer(self, round_: int, verdict: str) -> None:
        """What became of the model's answer in one round (from 1): `applied`, or why not."""
        self._record("answer", {"round": round_, "verdict": verdict})

    def _record(self, kind: str, body: Mapping[str, Any]) -> None:
        self._store.queue.write(
            """INSERT INTO event(task, attempt, at, kind, body) SELECT n, attempt, ?, ?, ?
               FROM task WHERE n = ? AND owner = ? AND fence = ?""",
            (self._store.clock.now_ms(), kind, json.dumps(body), self.n, self.owner, self.fence),
        )

    def intend(self, effect: str, key: str) -> None:
        """Commit that an outside effect is about to be tried (`create`, `start`, `push`, `pr`, `remove`)."""
        with self._fenced():
            self._store.queue.write(
                """INSERT INTO effect(task, attempt, kind, key, fence, intended_at) VALUES (?,?,?,?,?,?)
                   ON CONFLICT DO UPDATE SET tries = tries + 1, fence = excluded.fence""",
                (self.n, self.task.attempts, effect, key, self.fence, self._store.clock.now_ms()),
            )

    def done(self, effect: str, key: str, result: str = "") -> None:
        """Commit that it has happened. The first time counts: a delivery that goes on does some things again."""
        with self._fenced():
            self._store.queue.write(
                """UPDATE effect SET done_at = ?, result = ?
                   WHERE task = ? AND attempt = ? AND kind = ? AND key = ? AND done_at IS NULL""",
                (self._store.clock.now_ms(), result, self.n, self.task.attempts, effect, key),
            )

    def commits(self) -> list[str]:
        """Every commit that an attempt of this task was about to push, this one included.

        They are the lease of the next push: a branch that stands elsewhere was written by somebody else.
        """
        rows = self._store.queue.rows(
            "SELECT head_sha FROM attempt WHERE task = ? AND head_sha IS NOT NULL ORDER BY number", (self.n,)
        )
        return [str(row["head_sha"]) for row in rows]

    def settle(self, status: Status, error: TaskError | None = None, *, question: str | None = None) -> None:
        """End the attempt and the task in one transaction; the lease ends with it, and so do its open model calls.

        `question`: what the model wants to know, with `needs_clarification`.
        """
        with self._fenced():
            self._write_attempt(error=json.dumps(error.to_json()) if error else None, question=question)
            self._calls.abandon()
            self._update_task(
                "status = :status, phase = NULL, owner = NULL, lease_until = NULL, finished_at = :now",
                status=status.value,
            )

    def hand_back(self) -> None:
        """Leave a delivery to whoever claims it next."""
        self._update_task("owner = NULL, lease_until = NULL")

    def requeue(self, *, not_before: int = 0) -> None:
        """Back to the queue, the same attempt, which is not charged. `not_before`: ms since 1970, 0 = at once.

        Raises Cancelled when the user asked for it: nobody would see that before the task is claimed again.
        """
        with self._fenced():
            self.check()
            self._calls.abandon()
            self._update_task(
                "status = 'queued', phase = NULL, owner = NULL, lease_until = NULL, not_before = :not_before",
                not_before=not_before,
            )

    @property
    def _calls(self) -> Calls:
        return Calls(self._store, self.n, self.task.attempts)

    def _update_task(self, changes: str, **values: Any) -> None:
        changed = self._store.queue.write(
            f"UPDATE task SET {changes}, updated_at = :now WHERE n = :n AND owner = :owner AND fence = :fence",
            {**values, "now": self._store.clock.now_ms(), "n": self.n, "owner": self.owner, "fence": self.fence},
        )
        if changed != 1:
            raise LeaseLost(self.task.id)

    def _update_attempt(self, **values: Any) -> None:
        with self._fenced():
            self._write_attempt(**values)

    def _write_attempt(self, **values: Any) -> None:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        self._store.queue.write(
            f"UPDATE attempt SET {columns} WHERE task = :n AND number = :number",
            {**values, "n": self.n, "number": self.task.attempts},
        )

    @contextmanager
    def _fenced(self) -> Iterator[None]:
        with self._store.queue.transaction():
            held = self._store.queue.row(
                "SELECT 1 FROM task WHERE n = ? AND owner = ? AND fence = ?", (self.n, self.owner, self.fence)
            )
            if held is None:
                raise LeaseLost(self.task.id)
            yield
