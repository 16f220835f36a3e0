"""The queue: tasks in, one claimed at a time, each read as one record."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence

from pithy_local.clock import new_task_id
from pithy_local.errors import NoSuchTask, Refused, UsageError
from pithy_local.models import Attempt, NewTask, Patch, Phase, Status, Task, TaskError, Usage, Verified
from pithy_local.store.database import Store, StoreRuleError
from pithy_local.store.holds import BUDGETS, USERS

ALL_EXECUTORS = ("docker", "local")
WAITS_FOR_A_PERSON = (Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION)

LEASE_MS = 30_000
"""How long a claim holds without a heartbeat (RELIABILITY, Ownership)."""

_CALLS = "FROM call u WHERE u.task = {task} AND u.settled_at IS NOT NULL {attempt}"
_USAGE = f"""coalesce((SELECT sum(input_tokens) {_CALLS}), 0) AS input_tokens,
  coalesce((SELECT sum(output_tokens) {_CALLS}), 0) AS output_tokens,
  (SELECT CASE WHEN count(*) = count(cost_usd) THEN sum(cost_usd) END {_CALLS}) AS cost_usd"""

_TASK = f"""SELECT t.*, a.base_name, a.base_sha, a.head_sha, a.error, a.question, a.verify AS verified,
  a.patch_path, a.patch_bytes, a.patch_files, a.patch_added, a.patch_removed, a.patch_mended,
  p.pr_number, p.pr_url, {_USAGE.format(task="t.n", attempt="")}
FROM task t JOIN attempt a ON a.task = t.n AND a.number = t.attempt
LEFT JOIN attempt p ON p.task = t.n AND p.number =
  (SELECT max(number) FROM attempt WHERE task = t.n AND pr_number IS NOT NULL)"""

_ATTEMPT = f"""SELECT a.*, t.id, {_USAGE.format(task="a.task", attempt="AND u.attempt = a.number")}
FROM attempt a JOIN task t ON t.n = a.task WHERE t.id = ?"""

_CLAIMABLE = f"""status = 'queued' AND not_before <= :now
  AND executor IN (SELECT value FROM json_each(:executors))
  AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
  AND (:ids IS NOT NULL OR NOT EXISTS (SELECT 1 FROM meta WHERE key = '{USERS}'))
  AND (EXISTS (SELECT 1 FROM attempt a WHERE a.task = task.n AND a.number = task.attempt AND a.redelivery)
    OR NOT EXISTS (SELECT 1 FROM meta WHERE key = '{BUDGETS}')
      AND NOT EXISTS (SELECT 1 FROM gate g WHERE g.provider = task.provider AND g.until > :now))"""
"""A queued task that may start now: a pause stops all but tasks that were named; a spent budget and a rate limit stop
every one that would ask a model."""

_CLAIM = f"""UPDATE task SET status = 'running', phase = 'preparing', owner = :owner, fence = fence + 1,
  lease_until = :lease, updated_at = :now, started_at = coalesce(started_at, :now)
WHERE n = (SELECT n FROM task INDEXED BY task_ready
           WHERE {_CLAIMABLE}
           ORDER BY priority DESC, n LIMIT 1)
  AND (SELECT count(*) FROM task INDEXED BY task_running WHERE status = 'running' AND owner IS NOT NULL) < :concurrency
RETURNING id"""

_CLAIM_ACCEPTED = """UPDATE task SET owner = :owner, fence = fence + 1, lease_until = :lease, updated_at = :now
WHERE n = (SELECT n FROM task INDEXED BY task_running
           WHERE status = 'running' AND owner IS NULL AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
           ORDER BY n LIMIT 1)
RETURNING id"""

_CANCEL_AT_ONCE = """UPDATE task SET status = 'cancelled', phase = NULL, finished_at = :now
WHERE id = :id AND owner IS NULL AND (status <> 'running' OR NOT EXISTS
  (SELECT 1 FROM attempt WHERE task = task.n AND number = task.attempt AND head_sha IS NOT NULL))"""
"""A delivery without an owner that had its commit already may show at the remote: it is finished instead."""


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
        """Write the row; when this returns, the task is never lost."""
        queue, now = self._store.queue, self._store.clock.now_ms()
        for offset in range(1_000):  # 256 ids a millisecond: a taken one is a matter of the next millisecond
            task_id = new_task_id(now + offset)
            try:
                queue.write(
                    """INSERT INTO task(id, title, prompt, repo, base, executor, provider, model, unisolated, publish,
                         verify, max_tokens, priority, branch, created_at, updated_at)
                       VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)""",
                    (task_id, new.title, new.prompt, new.repo, new.base, new.executor, new.provider, new.model,
                     int(new.unisolated), new.publish, json.dumps(new.verify), new.max_tokens, new.priority,
                     new.branch_prefix + task_id, now, now),
                )  # fmt: skip
                return self.get(task_id)
            except StoreRuleError as error:
                if "UNIQUE constraint failed: task." not in error.message:
                    raise
        raise AssertionError("unreachable: a thousand milliseconds in a row were full")

    def get(self, task_id: str) -> Task:
        """Raises NoSuchTask."""
        row = self._store.queue.row(f"{_TASK} WHERE t.id = ?", (task_id,))
        if row is None:
            raise NoSuchTask(task_id)
        return _task(row)

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
        self, *, statuses: Collection[Status] = (), repo: str | None = None, limit: int | None = None
    ) -> list[Task]:
        """Newest first."""
        where, params = ["1"], []
        if statuses:
            where.append(f"t.status IN ({','.join('?' * len(statuses))})")
            params += [status.value for status in statuses]
        if repo is not None:
            where.append("t.repo = ?")
            params.append(repo)
        sql = f"{_TASK} WHERE {' AND '.join(where)} ORDER BY t.n DESC LIMIT ?"
        return [_task(row) for row in self._store.queue.rows(sql, [*params, -1 if limit is None else limit])]

    def attempts(self, task_id: str) -> list[Attempt]:
        """In order."""
        rows = self._store.queue.rows(f"{_ATTEMPT} ORDER BY a.number", (task_id,))
        return [_attempt(row) for row in rows]

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
        row = self._store.queue.row(
            f"SELECT count(*) AS number FROM task WHERE {_CLAIMABLE}", self._claimant(executors, ids)
        )
        return int(row["number"]) if row else 0

    def undone(self, executors: Sequence[str], ids: Sequence[str] | None = None) -> int:
        """How many tasks (of `ids`, None = of all) run anywhere, or could be claimed by these executors."""
        row = self._store.queue.row(
            f"""SELECT count(*) AS number FROM task WHERE ({_CLAIMABLE})
                OR (status = 'running' AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids))))""",
            self._claimant(executors, ids),
        )
        return int(row["number"]) if row else 0

    def claim(
        self, owner: str, *, executors: Sequence[str], concurrency: int, ids: Sequence[str] | None = None
    ) -> Task | None:
        """Take the next task for this process, in one statement; None when there is none or no slot is free."""
        rows = self._store.queue.rows(_CLAIM, {
            **self._claimant(executors, ids), "owner": owner, "lease": self._store.clock.lease_ms() + LEASE_MS,
            "concurrency": concurrency,
        })  # fmt: skip
        return self.get(rows[0]["id"]) if rows else None

    def claim_accepted(self, owner: str, *, ids: Sequence[str] | None = None) -> Task | None:
        """Take a task that was accepted and waits for its delivery, whatever the concurrency: no sandbox is needed."""
        clock = self._store.clock
        rows = self._store.queue.rows(
            _CLAIM_ACCEPTED,
            {"owner": owner, "lease": clock.lease_ms() + LEASE_MS, "now": clock.now_ms(), "ids": _json(ids)},
        )
        return self.get(rows[0]["id"]) if rows else None

    def waiting(self, ids: Sequence[str] | None = None) -> list[Task]:
        """Queued tasks (of `ids`, None = of all) that nobody may claim now, oldest first: parked, behind a rate
        limit's gate, or in a queue that is paused."""
        rows = self._store.queue.rows(
            f"{_TASK} WHERE t.status = 'queued' AND t.n NOT IN (SELECT n FROM task WHERE {_CLAIMABLE}) "
            "AND (:ids IS NULL OR t.id IN (SELECT value FROM json_each(:ids))) ORDER BY t.n",
            self._claimant(ALL_EXECUTORS, ids),
        )
        return [_task(row) for row in rows]

    def _claimant(self, executors: Sequence[str], ids: Sequence[str] | None) -> dict[str, object]:
        """The parameters of `_CLAIMABLE`."""
        return {"now": self._store.clock.now_ms(), "executors": json.dumps(list(executors)), "ids": _json(ids)}

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


def _json(ids: Sequence[str] | None) -> str | None:
    return None if ids is None else json.dumps(list(ids))


def _task(row: sqlite3.Row) -> Task:
    status = Status(row["status"])
    shows_error = status in (Status.FAILED, *WAITS_FOR_A_PERSON)
    return Task(
        id=row["id"], title=row["title"], prompt=row["prompt"], repo=row["repo"], base=row["base"] or row["base_name"],
        status=status, phase=Phase(row["phase"]) if row["phase"] else None,
        executor=row["executor"], provider=row["provider"], model=row["model"], priority=row["priority"],
        branch=row["branch"], attempts=row["attempt"], max_tokens=row["max_tokens"],
        unisolated=bool(row["unisolated"]), fence=row["fence"], cancel_requested=bool(row["cancel_requested"]),
        base_sha=row["base_sha"], head_sha=row["head_sha"], pr_url=row["pr_url"], pr_number=row["pr_number"],
        error=_error(row) if shows_error else None,
        question=row["question"] if status is Status.NEEDS_CLARIFICATION else None, patch=_patch(row),
        publish=row["publish"], verify_commands=tuple(json.loads(row["verify"])), verify=_verified(row["verified"]),
        not_before=row["not_before"], usage=_usage(row),
        created_at=row["created_at"], started_at=row["started_at"], finished_at=row["finished_at"],
    )  # fmt: skip


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        task=row["id"], number=row["number"], outcome=row["outcome"], base_sha=row["base_sha"],
        head_sha=row["head_sha"], container=row["container"], pr_number=row["pr_number"], pr_url=row["pr_url"],
        error=_error(row), patch=_patch(row), feedback=row["feedback"], redelivery=bool(row["redelivery"]),
        question=row["question"], verify=_verified(row["verify"]), usage=_usage(row),
        created_at=row["created_at"], started_at=row["started_at"], finished_at=row["finished_at"],
    )  # fmt: skip


def _error(row: sqlite3.Row) -> TaskError | None:
    return TaskError(**json.loads(row["error"])) if row["error"] else None


def _verified(text: str) -> tuple[Verified, ...]:
    return tuple(Verified(**each) for each in json.loads(text))


def _usage(row: sqlite3.Row) -> Usage:
    return Usage(input_tokens=row["input_tokens"], output_tokens=row["output_tokens"], cost_usd=row["cost_usd"])


def _patch(row: sqlite3.Row) -> Patch | None:
    if row["patch_path"] is None:
        return None
    return Patch(
        path=row["patch_path"], bytes=row["patch_bytes"], files=row["patch_files"], added=row["patch_added"],
        removed=row["patch_removed"], mended=row["patch_mended"] or 0,
    )  # fmt: skip
