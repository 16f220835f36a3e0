"""What can be done with a task that has settled: work it again, deliver it after all, remove it."""

from __future__ import annotations

from pithy_local.errors import Refused
from pithy_local.models import Status, Task
from pithy_local.store.database import Store
from pithy_local.store.log_removal import LogRemoval
from pithy_local.store.removed import Removed
from pithy_local.store.tasks import Tasks


class Settled:
    """Every change checks the status it starts from, in the transaction that makes it."""

    def __init__(self, store: Store) -> None:
        self._store, self._tasks = store, Tasks(store)

    def again(self, task_id: str, *, feedback: str | None = None, redeliver: bool = False) -> Task:
        """Queue it with a new attempt. `redeliver`: the diff and base of the last attempt are taken as they are.

        A task that was to start after another one does so again, unless that one has completed meanwhile.
        Raises NoSuchTask, Refused for a task that is queued or running, or that is to start after one that failed.
        """
        queue, now = self._store.queue, self._store.clock.now_ms()
        with queue.transaction():
            task = self._settled(task_id)
            blocked = task.after is not None and self._tasks.must_wait_for(task.after)
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
                """UPDATE task SET status = 'queued', attempt = ?, cancel_requested = 0, not_before = 0, at_once = 0,
                     blocked = ?, started_at = NULL, finished_at = NULL, updated_at = ? WHERE id = ?""",
                (number, int(blocked), now, task_id),
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
                raise Refused(f"task {task_id} has no diff that could be delivered")
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
        """The ids of settled tasks that ended before `at_ms` and that no other one waits for, oldest first."""
        rows = self._store.queue.rows(
            """SELECT id FROM task WHERE finished_at < ?
                 AND NOT EXISTS (SELECT 1 FROM task w WHERE w.after_task = task.id AND w.blocked = 1)
               ORDER BY finished_at""",
            (at_ms,),
        )
        return [row["id"] for row in rows]

    def remove(self, task_id: str) -> None:
        """Delete its rows and its log. What it spent stays counted.

        Raises NoSuchTask, Refused for a task that has not settled or that others wait for.
        """
        with self._store.queue.transaction():
            self._settled(task_id)
            self._check_awaited(task_id)
            Removed(self._store).note(task_id)
            self._store.queue.write("UPDATE task SET after_task = NULL WHERE after_task = ?", (task_id,))
            [row] = self._store.queue.rows("DELETE FROM task WHERE id = ? RETURNING n", (task_id,))
        LogRemoval(self._store).remove(row["n"])

    def _check_awaited(self, task_id: str) -> None:
        rows = self._store.queue.rows("SELECT id FROM task WHERE after_task = ? AND blocked = 1 LIMIT 4", (task_id,))
        if rows:
            ids = ", ".join(row["id"] for row in rows[:3]) + (", …" if len(rows) > 3 else "")
            raise Refused(f"task {task_id} is waited for by {ids}")

    def _settled(self, task_id: str) -> Task:
        task = self._tasks.get(task_id)
        if not task.status.settled:
            raise Refused(f"task {task_id} is {task.status.value}")
        return task
