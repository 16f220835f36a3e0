"""The queue: tasks in, one claimed at a time, each read as one record."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from pithy_local.clock import new_task_id
from pithy_local.errors import NoSuchTask, Refused, UsageError
from pithy_local.models import Attempt, NewTask, Status, Task
from pithy_local.store import claiming
from pithy_local.store.database import Store, StoreRuleError
from pithy_local.store.rows import ATTEMPT, TASK, WAITS_FOR_A_PERSON, read_attempt, read_task

ALL_EXECUTORS = ("docker", "local")

LEASE_MS = 30_000
"""How long a claim holds without a heartbeat (docs/architecture.md, Who owns what)."""

_CANCEL_AT_ONCE = """UPDATE task SET status = 'cancelled', phase = NULL, blocked = 0, finished_at = :now
WHERE id = :id AND owner IS NULL AND (status <> 'running'
  OR executor NOT IN ('docker', 'local') OR phase = 'preparing' OR phase = 'delivering' AND NOT EXISTS
    (SELECT 1 FROM attempt WHERE task = task.n AND number = task.attempt AND head_sha IS NOT NULL))"""
"""A running task of ours that has no owner may have left a sandbox, or a commit that shows at the remote: whoever takes
it up next ends that. What runs elsewhere is taken up by nobody."""


_TAKEN_ALONG = f"""WITH RECURSIVE parent(id, ended) AS (SELECT id, finished_at FROM task WHERE id = ?),
  along(n, id) AS (
    SELECT 0, id FROM parent
    UNION ALL SELECT t.n, t.id FROM along JOIN task t ON t.after_task = along.id
      WHERE t.blocked = 1 OR t.status = 'cancelled' AND t.finished_at = (SELECT ended FROM parent)
        AND (SELECT json_extract(error, '$.code') = 'dependency_failed' FROM attempt
          WHERE task = t.n AND number = t.attempt))
{TASK} WHERE t.n IN (SELECT n FROM along) ORDER BY t.n"""


class KeyTaken(StoreRuleError):
    """A task with this idempotency key is there already."""


class Tasks:
    """Every question and every change that needs no lease."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def instance(self) -> str:
        """Six characters that name this home on a shared Docker engine."""
        rows = self._store.queue.rows("SELECT value FROM meta WHERE key = 'instance'")
        return str(rows[0]["value"])

    def insert(self, new: NewTask) -> Task:
        """Write the row; when this returns, the task is never lost.

        Raises KeyTaken, and NoSuchTask or Refused where the task that it is to start after cannot complete.
        """
        queue = self._store.queue
        with queue.transaction():
            blocked = new.after is not None and self.must_wait_for(new.after)
            task_id = self._insert(new, blocked)
        return self.get(task_id)

    def must_wait_for(self, after: str) -> bool:
        """Whether this task has yet to complete. Raises NoSuchTask, Refused where it cannot without a retry."""
        status = self.get(after).status
        if status in (Status.FAILED, Status.CANCELLED):
            raise Refused(
                f"task {after} is {status.value}: nothing can start after it",
                hint=f"`pithy-local retry {after}` queues it again.",
            )
        return status is not Status.COMPLETED

    def _insert(self, new: NewTask, blocked: bool) -> str:
        now = self._store.clock.now_ms()
        for offset in range(1_000):  # 256 ids a millisecond: a taken one is a matter of the next millisecond
            task_id = new_task_id(now + offset)
            try:
                self._store.queue.write(
                    """INSERT INTO task(id, title, prompt, repo, base, executor, provider, model, unisolated, publish,
                         verify, max_tokens, priority, branch, after_task, blocked, not_before, idempotency_key,
                         created_at, updated_at)
                       VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)""",
                    (task_id, new.title, new.prompt, new.repo, new.base, new.executor, new.provider, new.model,
                     int(new.unisolated), new.publish, json.dumps(new.verify), new.max_tokens, new.priority,
                     new.branch_prefix + task_id, new.after, int(blocked), new.not_before, new.idempotency_key,
                     now, now),
                )  # fmt: skip
                return task_id
            except StoreRuleError as error:
                if "UNIQUE constraint failed: task.idempotency_key" in error.message:
                    raise KeyTaken(error.code, error.message) from error
                if "UNIQUE constraint failed: task." not in error.message:
                    raise
        raise AssertionError("unreachable: a thousand milliseconds in a row were full")

    def with_key(self, idempotency_key: str) -> Task | None:
        """The task that was added with this key."""
        row = self._store.queue.row(f"{TASK} WHERE t.idempotency_key = ?", (idempotency_key,))
        return read_task(row) if row else None

    def get(self, task_id: str) -> Task:
        """Raises NoSuchTask."""
        row = self._store.queue.row(f"{TASK} WHERE t.id = ?", (task_id,))
        if row is None:
            raise NoSuchTask(task_id)
        return read_task(row)

    def find(self, ref: str) -> Task:
        """By id or unique prefix. Raises NoSuchTask, UsageError when it fits several."""
        ref = ref.strip().lower()
        if not ref or not ref.isalnum():
            raise NoSuchTask(ref)
        rows = self._store.queue.rows("SELECT id FROM task WHERE id >= ? AND id < ? LIMIT 4", (ref, ref + "~"))
        if not rows:
            raise NoSuchTask(ref)
        if len(rows) > 1:
            ids = ", ".join(row["id"] for row in rows[:3]) + (", …" if len(rows) > 3 else "")
            raise UsageError(f"{ref!r} fits more than one task: {ids}", hint="Give more characters of the id.")
        return self.get(rows[0]["id"])

    def select(
        self, *, statuses: Collection[Status] = (), repo: str | None = None, limit: int | None = None,
        before: str | None = None,
    ) -> list[Task]:  # fmt: skip
        """Newest first. `before`: only tasks that were added before the one with this id; raises NoSuchTask."""
        where, params = ["1"], []
        if statuses:
            where.append(f"t.status IN ({','.join('?' * len(statuses))})")
            params += [status.value for status in statuses]
        if repo is not None:
            where.append("t.repo = ?")
            params.append(repo)
        if before is not None:
            where.append("t.n < (SELECT n FROM task WHERE id = ?)")
            params.append(self.get(before).id)
        sql = f"{TASK} WHERE {' AND '.join(where)} ORDER BY t.n DESC LIMIT ?"
        return [read_task(row) for row in self._store.queue.rows(sql, [*params, -1 if limit is None else limit])]

    def attempts(self, task_id: str) -> list[Attempt]:
        """In order."""
        rows = self._store.queue.rows(f"{ATTEMPT} WHERE t.id = ? ORDER BY a.number", (task_id,))
        return [read_attempt(row) for row in rows]

    def counts(self) -> dict[Status, int]:
        """How many tasks have each status."""
        rows = self._store.queue.rows("SELECT status, count(*) AS number FROM task GROUP BY status")
        return {Status(row["status"]): int(row["number"]) for row in rows}

    def steps(self) -> dict[str, str]:
        """What each running task's sandbox last said it was doing, by id."""
        rows = self._store.queue.rows(
            """SELECT t.id, json_extract(e.body, '$.text') AS text FROM task t JOIN event e ON e.id =
                 (SELECT max(id) FROM event WHERE task = t.n AND attempt = t.attempt AND kind IN ('step', 'phase'))
               WHERE t.status = 'running' AND e.kind = 'step'"""
        )
        return {row["id"]: row["text"] for row in rows}

    def queued(self, executors: Sequence[str], ids: Sequence[str] | None = None) -> int:
        """How many tasks a claim with these arguments could take, were there slots."""
        return self._ask(claiming.count(named=ids is not None), executors, ids)

    def claimable(self, executors: Sequence[str], ids: Sequence[str] | None = None) -> bool:
        """Whether there is one of them: stops at the first."""
        return bool(self._ask(claiming.any_of(named=ids is not None), executors, ids))

    def undone(self, executors: Sequence[str], ids: Sequence[str] | None = None) -> int:
        """How many tasks (of `ids`, None = of all) run anywhere, or could be claimed by these executors."""
        running = """(SELECT count(*) FROM task INDEXED BY task_running WHERE status = 'running'
          AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids))))"""
        return self._ask(f"{claiming.count(named=ids is not None)} + {running}", executors, ids)

    def claim(
        self, owner: str, *, executors: Sequence[str], concurrency: int, ids: Sequence[str] | None = None,
        per_repo: int = 0,
    ) -> Task | None:  # fmt: skip
        """Take the next task for this process, in one statement; None when there is none or no slot is free.

        `concurrency`: attempts at once in the home; `per_repo`: on one repository, 0 = no limit of its own.
        """
        queue, claimant = self._store.queue, self._claimant(executors, ids)
        if queue.row(claiming.PARKED_DUE, claimant):
            queue.write(claiming.WAKE, claimant)
        rows = queue.rows(claiming.claim(named=ids is not None), {
            **claimant, "owner": owner, "lease": self._store.clock.lease_ms() + LEASE_MS, "concurrency": concurrency,
            "per_repo": per_repo,
        })  # fmt: skip
        return self.get(rows[0]["id"]) if rows else None

    def waiting(self, ids: Sequence[str] | None = None) -> list[Task]:
        """Queued tasks (of `ids`, None = of all) that nobody may claim now, oldest first: parked, waiting for another
        one, behind a rate limit's gate, or in a queue that is paused."""
        rows = self._store.queue.rows(
            f"{TASK} WHERE t.status = 'queued' AND t.n NOT IN ({claiming.rows(named=ids is not None)}) "
            "AND (:ids IS NULL OR t.id IN (SELECT value FROM json_each(:ids))) ORDER BY t.n",
            self._claimant(ALL_EXECUTORS, ids),
        )
        return [read_task(row) for row in rows]

    def _ask(self, expression: str, executors: Sequence[str], ids: Sequence[str] | None) -> int:
        row = self._store.queue.row(f"SELECT {expression} AS answer", self._claimant(executors, ids))
        return int(row["answer"]) if row else 0

    def _claimant(self, executors: Sequence[str], ids: Sequence[str] | None) -> dict[str, object]:
        """The parameters of `claiming`'s conditions."""
        return {"now": self._store.clock.now_ms(), "executors": json.dumps(list(executors)), "ids": _json(ids)}

    def execute(self, task_id: str) -> Task:
        """Let it begin at once, whatever it waits for and although the queue is paused: the next process with a free
        slot takes it up, also when it has been queued again. Raises NoSuchTask, Refused for one that is not queued."""
        now = self._store.clock.now_ms()
        changed = self._store.queue.write(
            """UPDATE task SET status = 'running', phase = 'preparing', fence = fence + 1, blocked = 0, not_before = 0,
                 at_once = 1, started_at = coalesce(started_at, :now), updated_at = :now
               WHERE id = :id AND status = 'queued'""",
            {"now": now, "id": task_id},
        )
        task = self.get(task_id)
        if not changed:
            raise Refused(f"task {task_id} is {task.status.value}: only a queued one can be executed")
        return task

    def request_cancel(self, task_id: str) -> Task:
        """Queued, waiting for a person, or accepted and in nobody's hands yet: cancelled at once. Running: its owner is
        asked to stop. Else Refused."""
        queue, now = self._store.queue, self._store.clock.now_ms()
        with queue.transaction():
            task = self.get(task_id)
            if task.status.settled and task.status not in WAITS_FOR_A_PERSON:
                raise Refused(f"task {task_id} is {task.status.value} already")
            queue.write("UPDATE task SET cancel_requested = 1, updated_at = ? WHERE id = ?", (now, task_id))
            queue.write(_CANCEL_AT_ONCE, {"now": now, "id": task_id})
        return self.get(task_id)

    def taken_along(self, task_id: str) -> list[Task]:
        """What waits for this one, directly or through others, or has ended in the moment in which this one was
        cancelled or failed, since it waited; oldest first."""
        return [read_task(row) for row in self._store.queue.rows(_TAKEN_ALONG, (task_id,))]


def _json(ids: Sequence[str] | None) -> str | None:
    return None if ids is None else json.dumps(sorted(set(ids)))
