"""Completion reports of other executors: each id counts once, and what was refused is remembered without its body."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pithy_local.models import Status, Task, TaskError
from pithy_local.store.database import Store
from pithy_local.text import for_storage, safe_line

KEPT = 10_000
"""Refused reports that are remembered, the newest; anybody can send them."""
MAX_ID_BYTES = 200
SEEN_MS = 30 * 24 * 3_600_000
"""How long the id of a report that was taken is remembered: the time in its headers is believed for minutes, and no
sender tries for weeks to deliver one that it signs anew each time."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What the forge shows of a completed task; no pull request where there is no forge."""

    base: str | None
    head_sha: str
    pr_number: int | None = None
    pr_url: str | None = None


class Webhooks:
    """The reports that were taken, and those that were not."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def seen(self, webhook_id: str) -> bool:
        """Whether a report with this id was taken before, in the last `SEEN_MS`."""
        return self._store.queue.row("SELECT 1 FROM webhook WHERE id = ?", (webhook_id,)) is not None

    def forget_old(self) -> None:
        """Reports that were taken `SEEN_MS` ago. One that comes again after that finds its task settled."""
        self._store.queue.write("DELETE FROM webhook WHERE at < ?", (self._store.clock.now_ms() - SEEN_MS,))

    def row_number(self, task: Task) -> int:
        """The key of the task's log; 0 when it is no longer there."""
        row = self._store.queue.row("SELECT n FROM task WHERE id = ?", (task.id,))
        return int(row["n"]) if row else 0

    def settle(self, task: Task, webhook_id: str, ended: Delivered | TaskError) -> bool:
        """Take the report and end the task, in one transaction. False when the task is not the executor's any more:
        it has settled, is worked again, or somebody in this home owns it. Then nothing was written.

        The task has no owner meanwhile, so it never needs to be recovered.
        """
        queue, now = self._store.queue, self._store.clock.now_ms()
        status = Status.COMPLETED if isinstance(ended, Delivered) else Status.FAILED
        with queue.transaction():
            row = queue.row(
                """SELECT n FROM task WHERE id = ? AND status = 'running' AND owner IS NULL AND fence = ?
                   AND attempt = ? AND executor = ?""",
                (task.id, task.fence, task.attempts, task.executor),
            )
            if row is None:
                return False
            queue.write("INSERT INTO webhook(id, task, at) VALUES (?, ?, ?)", (webhook_id, row["n"], now))
            self._record(row["n"], task.attempts, ended)
            queue.write(
                """UPDATE task SET status = ?, phase = NULL, fence = fence + 1, finished_at = ?, updated_at = ?
                   WHERE n = ?""",
                (status.value, now, now, row["n"]),
            )
        return True

    def _record(self, n: int, attempt: int, ended: Delivered | TaskError) -> None:
        if isinstance(ended, TaskError):
            values: dict[str, object] = {"error": json.dumps(ended.to_json())}
        else:
            values = {
                "base_name": ended.base, "head_sha": ended.head_sha,
                "pr_number": ended.pr_number, "pr_url": ended.pr_url,
            }  # fmt: skip
        columns = ", ".join(f"{name} = :{name}" for name in values)
        self._store.queue.write(
            f"UPDATE attempt SET {columns} WHERE task = :n AND number = :attempt",
            {**values, "n": n, "attempt": attempt},
        )

    def refuse(self, *, peer: str, reason: str, webhook_id: str | None) -> None:
        """Remember that a report was refused. `reason`: one word. The id is what the sender wrote: made safe here."""
        shown = None if webhook_id is None else for_storage(safe_line(webhook_id), MAX_ID_BYTES)
        [row] = self._store.queue.rows(
            "INSERT INTO refused_webhook(at, peer, reason, webhook_id) VALUES (?, ?, ?, ?) RETURNING id",
            (self._store.clock.now_ms(), peer, reason, shown),
        )
        self._store.queue.write("DELETE FROM refused_webhook WHERE id <= ?", (row["id"] - KEPT,))

    def taken(self, since_ms: int = 0) -> int:
        """How many were taken, of those that are remembered."""
        row = self._store.queue.row("SELECT count(*) AS number FROM webhook WHERE at >= ?", (since_ms,))
        return int(row["number"]) if row else 0

    def refused(self, since_ms: int = 0) -> dict[str, int]:
        """How many were refused, by reason, the most frequent first."""
        rows = self._store.queue.rows(
            """SELECT reason, count(*) AS number FROM refused_webhook WHERE at >= ?
               GROUP BY reason ORDER BY number DESC, reason""",
            (since_ms,),
        )
        return {row["reason"]: row["number"] for row in rows}
