"""`cancel`, `rm` and `prune`: be rid of tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.params import SETTLED, Span, tasks_argument
from pithy_local.cli.view import print_tasks
from pithy_local.errors import ExitCode, NoSuchTask, PithyError, Refused
from pithy_local.models import Status, Task

if TYPE_CHECKING:
    from pithy_local.service import App


@click.command(cls=Verb)
@tasks_argument(Status.QUEUED, Status.RUNNING, Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION)
@pass_state
def cancel(state: State, ids: tuple[str, ...]) -> int:
    """Cancel the tasks ID: a running one as soon as its worker has removed its sandbox, others at once.

    What is to start after one of them is cancelled with it, and printed, too. A task that has ended already is refused
    (exit code 6), an id that no task has is reported (exit code 5); the others are cancelled all the same.
    """
    from pithy_local import service

    with state.app() as app:
        chosen, unknown = _look_up(app, ids)
        # the newest first: one that waits for another one would end with that, and be refused
        cancelled, refused = _each(sorted(chosen, reverse=True), lambda task_id: service.cancel(app, task_id))
        cancelled.sort(key=lambda task: chosen.index(task.id))
        along = {task.id: service.taken_along(app, task) for task in cancelled}
        ended = {each.id: each for tasks in along.values() for each in tasks if each.status.settled}
        print_tasks(app, list({**{task.id: task for task in cancelled}, **ended}.values()), as_json=state.json)
        for task in cancelled:
            if words := service.tell_along(task, along[task.id]):
                state.say(words)
        if service.forsaken(app) & {task.id for task in cancelled} and not service.has_worker(app):
            state.say("its worker is gone: the next one (`pithy-local run`) removes what is left of it")
    _report([*unknown, *refused])
    return int(ExitCode.OK)


@click.command(cls=Verb)
@tasks_argument(*SETTLED)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def rm(state: State, ids: tuple[str, ...], yes: bool) -> int:
    """Delete the tasks ID with their logs and diffs, and print their ids.

    Branches and pull requests stay, and what was spent stays counted. A task that is queued or running is refused
    (exit code 6), an id that no task has is reported (exit code 5); the others are removed all the same.
    """
    from pithy_local import service

    with state.app() as app:
        chosen, unknown = _look_up(app, ids)
        if chosen:
            state.confirm(_question(len(chosen)), yes=yes)
        removed, refused = _each(chosen, lambda task_id: service.remove(app, task_id))
    _print([task.id for task in removed], state)
    _report([*unknown, *refused])
    return int(ExitCode.OK)


@click.command(cls=Verb)
@click.option("--older-than", type=Span(), default="30d", metavar="AGE", help="Settled longer ago (default 30d).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def prune(state: State, older_than: float, yes: bool) -> int:
    """Delete every task that settled long ago, with logs and diffs, and print their ids.

    Branches and pull requests stay, and what was spent stays counted.
    """
    from pithy_local import service

    with state.app() as app:
        number = len(service.prunable(app, older_than))
        removed: list[str] = []
        if number:
            state.confirm(_question(number), yes=yes)
            removed = service.prune(app, older_than)
    _print(removed, state)
    if not removed:
        state.say("Nothing to remove.")
    return int(ExitCode.OK)


def _look_up(app: App, refs: Sequence[str]) -> tuple[list[str], list[PithyError]]:
    """The ids, each once, and what is to be said of those that no task has.

    All are looked up before the first task is touched. Raises UsageError for one that fits several tasks.
    """
    from pithy_local import service

    found: dict[str, None] = {}
    unknown: list[PithyError] = []
    for ref in refs:
        try:
            found[service.find(app, ref).id] = None
        except NoSuchTask as error:
            unknown.append(error)
    return list(found), unknown


def _each(ids: Sequence[str], act: Callable[[str], Task]) -> tuple[list[Task], list[PithyError]]:
    """Do it to every task that allows it; those tasks, and what the others said."""
    done: list[Task] = []
    refused: list[PithyError] = []
    for task_id in ids:
        try:
            done.append(act(task_id))
        except Refused as error:
            refused.append(error)
    return done, refused


def _report(errors: Sequence[PithyError]) -> None:
    """Raise them as one, with the code and the hint of the first."""
    if errors:
        raise PithyError(errors[0].code, "; ".join(error.message for error in errors), hint=errors[0].hint)


def _question(number: int) -> str:
    return f"Remove {render.number_of(number, 'task')} with logs and diffs"


def _print(removed: list[str], state: State) -> None:
    if state.json:
        render.out_json(removed)
        return
    for task_id in removed:
        render.out(task_id)
