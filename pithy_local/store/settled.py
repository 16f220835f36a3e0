"""What can be done with a task that has settled: work it again, deliver it after all, remove it."""

from __future__ import annotations

from pithy_local.errors import Refused
from pithy_local.models import Status, Task
from pithy_local.store.database import Store
from pithy_local.store.tasks import Tasks

REMOVE_STEP = 2_000
"""Lines deleted in one transaction: a million at once stalls every writer for a second (RELIABILITY)."""
REMOVE_PAUSE = 0.005


class Settled:
    """Every change checks the status it starts from, in the transaction that makes it."""

    def __init__(self, store: Store) -> None:
        self._store, self._tasks = store, Tasks(store)

    def again(self, task_id: str, *, feedback: str | None = None, redeliver: bool = False) -> Task:
        """Queue it with a new attempt. `redeliver`: the diff and base of the last attempt are taken as they are.

        Raises NoSuchTask, Refused for a task that is queued or running.
        """
        queue, now = self._store.queue, self._store.clock.now_ms()
        with queue.transaction():
            task = self._settled(task_id)
            number = task.attempts + 1
            queue.write(
                """INSERT INTO attempt(task, number, feedback, redelivery, created_at)
                   SELECT n, ?, ?, ?, ? FROM task WHERE id = ?""",
                (number, feedback, int(redeliver), now, task_id),
            )
            if redeliver:
                queue.write(
                    """UPDATE attempt SET (base_name, base_sha, patch_path, patch_bytes, patch_files, patch_added,
                         patch_removed, patch_mended, verify) =
                         (SELECT base_name, base_sha, patch_path, patch_bytes, patch_files, patch_added,
                            patch_removed, patch_mended, verify
                          FROM attempt o WHERE o.task = attempt.task AND o.number = attempt.number - 1)
                       WHERE task = (SELECT n FROM task WHERE id = ?) AND number = ?""",
                    (task_id, number),
                )
            queue.write(
                """UPDATE task SET status = 'queued', attempt = ?, cancel_requested = 0, not_before = 0,
                     started_at = NULL, finished_at = NULL, updated_at = ? WHERE id = ?""",
                (number, now, task_id),
            )
        return self._tasks.get(task_id)

    def accept(self, task_id: str) -> Task:
        """Let a reviewed change be delivered, now and in every retry: the next worker claims it.

        Raises NoSuchTask, Refused.
        """
        queue, now = self._store.queue, self._store.clock.now_ms()
        with queue.transaction():
            task = self._tasks.get(task_id)
            if task.status is not Status.NEEDS_REVIEW:
                raise Refused(f"task {task_id} is {task.status.value}: only one that needs review can be accepted")
            if task.patch is None:
                raise Refused(
                    f"task {task_id} has no diff that could be delivered",
                    hint=f'`pithy-local retry {task_id} --feedback "…"` tries again.',
                )
            queue.write(
                "UPDATE attempt SET redelivery = 1 WHERE task = (SELECT n FROM task WHERE id = ?) AND number = ?",
                (task_id, task.attempts),
            )
            queue.write(
                """UPDATE task SET status = 'running', phase = 'delivering', fence = fence + 1, cancel_requested = 0,
                     finished_at = NULL, updated_at = ? WHERE id = ?""",
                (now, task_id),
            )
        return self._tasks.get(task_id)

    def before(self, at_ms: int) -> list[str]:
        """The ids of settled tasks that ended before `at_ms`, oldest first."""
        rows = self._store.queue.rows("SELECT id FROM task WHERE finished_at < ? ORDER BY finished_at", (at_ms,))
        return [row["id"] for row in rows]

    def remove(self, task_id: str) -> None:
        """Delete its rows and its log. What it spent stays counted. Raises NoSuchTask, Refused."""
        with self._store.queue.transaction():
            self._settled(task_id)
            [row] = self._store.queue.rows("DELETE FROM task WHERE id = ? RETURNING n", (task_id,))
        number = row["n"]
        logs = self._store.logs
        logs.write("DELETE FROM cursor WHERE task = ?", (number,))  # first: nobody can append any more
        while logs.write(
            "DELETE FROM line WHERE task = ? AND seq IN (SELECT seq FROM line WHERE task = ? LIMIT ?)",
            (number, number, REMOVE_STEP),
        ):
            self._store.clock.sleep(REMOVE_PAUSE)

    def _settled(self, task_id: str) -> Task:
        task = self._tasks.get(task_id)
        if not task.status.settled:
            raise Refused(f"task {task_id} is {task.status.value}", hint=f"`pithy-local cancel {task_id}` ends it.")
        return task
