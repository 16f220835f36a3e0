"""What may still change of a task that nobody has begun: its words."""

from __future__ import annotations

from pithy_local.errors import Refused
from pithy_local.models import Task
from pithy_local.store.database import Store
from pithy_local.store.tasks import Tasks


def reword(store: Store, task_id: str, *, title: str, prompt: str) -> Task:
    """Give a queued task that was never started another title and prompt. Else Refused."""
    changed = store.queue.write(
        "UPDATE task SET title = ?, prompt = ?, updated_at = ? "
        "WHERE id = ? AND status = 'queued' AND started_at IS NULL AND attempt = 1",
        (title, prompt, store.clock.now_ms(), task_id),
    )
    task = Tasks(store).get(task_id)
    if changed != 1:
        raise Refused(f"task {task_id} was started already: its prompt stays as it is")
    return task
