"""What people decide about a task: stop it, work it again, answer it, deliver it, drop it, remove it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pithy_local.errors import ErrorCode, NoSuchTask, PithyError, Refused
from pithy_local.models import Status, Task
from pithy_local.paths import remove_tree
from pithy_local.service.adding import check_repository
from pithy_local.service.app import App
from pithy_local.service.reading import attempts, find
from pithy_local.service.words import prompt_text
from pithy_local.store.rows import WAITS_FOR_A_PERSON
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks

MOST_NAMED = 10


def cancel(app: App, ref: str) -> Task:
    """Queued, or waiting for a person: cancelled at once. Running: its owner is asked to stop. Else Refused."""
    task = find(app, ref)
    with _hinted(app, task.id):
        return Tasks(app.store).request_cancel(task.id)


def execute(app: App, ref: str) -> Task:
    """Let a queued task begin now, whatever it waits for and although the queue is paused: a worker takes it up as soon
    as a slot is free. Raises Refused for any other one, UsageError or PithyError (repo_unreachable, github_auth, …)
    where its repository cannot be reached now."""
    task = find(app, ref)
    if task.status is Status.QUEUED:
        _, problems = check_repository(app, task.repo, task.base, from_here=False)
        if problems:
            raise PithyError(ErrorCode.REPO_UNREACHABLE, problems[0])
    with _hinted(app, task.id):
        return Tasks(app.store).execute(task.id)


def retry(app: App, ref: str, *, feedback: str | None = None) -> Task:
    """Queue a settled task again: with `feedback` for the model, or to deliver what it made already (0 tokens) where
    that is all that is missing, else to ask the model anew.

    Raises Refused for a task that has not settled and for a completed one without feedback, UsageError.
    """
    task = find(app, ref)
    if feedback is not None:
        feedback = prompt_text(app, feedback, "feedback")
    elif task.status is Status.COMPLETED:
        raise Refused(f"task {task.id} is completed: there is nothing to do", hint=next_step(task))
    with _hinted(app, task.id):
        redeliver = feedback is None and _was_delivering(app, task)
        return Settled(app.store).again(task.id, feedback=feedback, redeliver=redeliver)


def answer(app: App, ref: str, text: str) -> Task:
    """Answer the model's question: the task is queued again. Raises Refused where there is none, UsageError."""
    task = find(app, ref)
    if task.status is not Status.NEEDS_CLARIFICATION:
        raise Refused(f"task {task.id} is {task.status.value}: there is no question to answer", hint=next_step(task))
    with _hinted(app, task.id):
        return Settled(app.store).again(task.id, feedback=prompt_text(app, text, "answer"))


def accept(app: App, ref: str) -> Task:
    """Let the change of a task that needs review be delivered: the next worker does it. Else Refused."""
    task = find(app, ref)
    with _hinted(app, task.id):
        return Settled(app.store).accept(task.id)


def reject(app: App, ref: str) -> Task:
    """Drop a task that waits for a person: it is cancelled. Else Refused."""
    task = find(app, ref)
    if task.status not in WAITS_FOR_A_PERSON:
        raise Refused(
            f"task {task.id} is {task.status.value}: only one that waits for you can be rejected", hint=next_step(task)
        )
    return cancel(app, task.id)


def taken_along(app: App, task: Task) -> list[Task]:
    """What ends with a task that was cancelled or is being: all that is to start after it, directly or through others;
    oldest first."""
    return Tasks(app.store).taken_along(task.id)


def tell_along(task: Task, along: Sequence[Task]) -> str:
    """The same in words; "" where there is none."""
    if not along:
        return ""
    tasks = "1 task that is" if len(along) == 1 else f"{len(along)} tasks that are"
    ends = ("is" if len(along) == 1 else "are") if task.status.settled else "will be"
    more = f" and {len(along) - MOST_NAMED} more" if len(along) > MOST_NAMED else ""
    return f"{tasks} to start after {task.id} {ends} cancelled with it: " + (
        ", ".join(each.id for each in along[:MOST_NAMED]) + more
    )


def remove(app: App, ref: str) -> Task:
    """Delete a settled task with its log and its files; as it was. What it spent stays counted. Else Refused."""
    task = find(app, ref)
    with _hinted(app, task.id):
        Settled(app.store).remove(task.id)
    remove_tree(app.home.root / "artifacts" / task.id)
    return task


def prunable(app: App, older_than: float) -> list[str]:
    """The ids of the tasks that settled more than `older_than` seconds ago, oldest first."""
    return Settled(app.store).before(app.clock.now_ms() - int(older_than * 1000))


def prune(app: App, older_than: float) -> list[str]:
    """Remove every task that settled more than `older_than` seconds ago; their ids."""
    removed = []
    for task_id in prunable(app, older_than):
        try:
            remove(app, task_id)
        except (NoSuchTask, Refused):
            continue  # somebody removed it or queued it again meanwhile
        removed.append(task_id)
    return removed


def next_step(task: Task) -> str:
    """What can be done with a task that stands like this: the hint of every refusal."""
    again = f'`pithy-local retry {task.id} --feedback "…"`'
    steps = {
        Status.QUEUED: f"`pithy-local run {task.id}` works it, `pithy-local cancel {task.id}` cancels it.",
        Status.RUNNING: f"`pithy-local wait {task.id}` waits for its end, `pithy-local cancel {task.id}` stops it.",
        Status.COMPLETED: f"{again} asks for more.",
        Status.FAILED: f"`pithy-local retry {task.id}` tries again.",
        Status.NEEDS_REVIEW: f"`pithy-local accept {task.id}` delivers it, `pithy-local reject {task.id}` drops it.",
        Status.NEEDS_CLARIFICATION: f'`pithy-local answer {task.id} "…"` answers its question.',
        Status.CANCELLED: f"`pithy-local retry {task.id}` queues it again.",
    }
    if task.status is Status.NEEDS_REVIEW and task.patch is None:
        return f"{again} tries again."
    return steps[task.status]


def _was_delivering(app: App, task: Task) -> bool:
    """Whether the last attempt has a change that only needs to be delivered, be it for the second time."""
    last = attempts(app, task.id)[-1]
    return last.patch is not None and (last.head_sha is not None or last.redelivery)


@contextmanager
def _hinted(app: App, task_id: str) -> Iterator[None]:
    """The store says why it refuses; what to do instead depends on how the task stands now."""
    try:
        yield
    except Refused as error:
        if error.hint == error.code.hint:
            error.hint = next_step(find(app, task_id))
        raise
