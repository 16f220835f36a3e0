"""`retry`, `answer`, `accept` and `reject`: what people decide about a task that waits for them or has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.params import SETTLED, read_text, task_argument
from pithy_local.cli.view import print_task
from pithy_local.errors import ExitCode
from pithy_local.models import Status, Task

if TYPE_CHECKING:
    from pithy_local.service import App

wait_option = click.option(
    "--wait", "waits", is_flag=True, help="Work it here and return when it has settled: 0 if completed, else 1."
)


@click.command(cls=Verb)
@task_argument(*SETTLED)
@click.option("--feedback", metavar="TEXT", help="What the model should do differently; `-` reads it from stdin.")
@wait_option
@pass_state
def retry(state: State, task_id: str, feedback: str | None, waits: bool) -> int:
    """Queue the settled task ID again.

    When only the delivery failed, the change that is there is delivered and no model is asked. Otherwise, and with
    --feedback, the model is asked again; it sees what happened before. A completed task needs --feedback.
    """
    from pithy_local import service

    if feedback is not None:
        feedback = read_text(feedback, state, "feedback")
    with state.app() as app:
        return _go_on(app, service.retry(app, task_id, feedback=feedback), state, waits=waits)


@click.command(cls=Verb)
@task_argument(Status.NEEDS_CLARIFICATION)
@click.argument("text", metavar="TEXT")
@wait_option
@pass_state
def answer(state: State, task_id: str, text: str, waits: bool) -> int:
    """Answer the model's question of the task ID; `-` reads TEXT from stdin. The task is queued again.

    An answer that begins with a dash goes last, after `--`.
    """
    from pithy_local import service

    text = read_text(text, state, "answer")
    with state.app() as app:
        return _go_on(app, service.answer(app, task_id, text), state, waits=waits)


@click.command(cls=Verb)
@task_argument(Status.NEEDS_REVIEW)
@wait_option
@pass_state
def accept(state: State, task_id: str, waits: bool) -> int:
    """Deliver the change of the task ID as it is, although it was to be reviewed.

    A worker that runs delivers it; where none does, and with --wait, this process does and ends with 0 if the task
    completed, else with 1. A task without a diff is refused (exit code 6).
    """
    from pithy_local import service

    with state.app() as app:
        task = service.accept(app, task_id)
        here = waits or not service.has_worker(app)
        if not here:
            state.say(f"{task.id}: the worker that runs delivers it; `pithy-local wait {task.id}` waits for that")
        return _go_on(app, task, state, waits=here)


@click.command(cls=Verb)
@task_argument(Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION)
@pass_state
def reject(state: State, task_id: str) -> int:
    """Drop the change or the question of the task ID: the task is cancelled, and nothing is delivered.

    What is to start after it is cancelled with it.
    """
    from pithy_local import service

    with state.app() as app:
        task = service.reject(app, task_id)
        print_task(task, as_json=state.json)
        if words := service.tell_along(task, service.taken_along(app, task)):
            state.say(words)
    return int(ExitCode.OK)


def _go_on(app: App, task: Task, state: State, *, waits: bool) -> int:
    """Print the task as it stands, or see it through first."""
    from pithy_local import service

    if not waits:
        print_task(task, as_json=state.json)
        return int(ExitCode.OK)
    from pithy_local.cli.work import settle_here

    try:
        return settle_here(app, task.id, say=state.say)
    finally:  # whatever came between: this is how the task stands now
        print_task(service.find(app, task.id), as_json=state.json)
