"""`list` and `show`: what is in the queue, and all about one task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.page import UNISOLATED, flat, headline, page, status
from pithy_local.cli.params import COUNT, task_argument
from pithy_local.cli.render import Screen
from pithy_local.clock import iso
from pithy_local.models import Status, Task
from pithy_local.text import short_age, short_count

if TYPE_CHECKING:
    from pithy_local.service import App

DEFAULT_LIMIT = 30
HEADER = ("STATUS", "ID", "REPO", "TITLE", "WHERE", "TOKENS", "AGE")
FLEXIBLE = (2, 3)


@click.command("list", cls=Verb)
@click.option("--status", "statuses", multiple=True, metavar="S", type=click.Choice([s.value for s in Status]),
              help=f"Only this status; repeat for more: {', '.join(s.value for s in Status)}.")  # fmt: skip
@click.option("--repo", metavar="R", help="Only this repository.")
@click.option("--limit", type=COUNT, metavar="N", help=f"At most N tasks (default {DEFAULT_LIMIT}).")
@click.option("--all", "everything", is_flag=True, help="Every task.")
@pass_state
def list_(state: State, statuses: tuple[str, ...], repo: str | None, limit: int | None, everything: bool) -> int:
    """List tasks, newest first.

    In a pipe, one task a line, fields separated by tabs: id, status, executor, repo, title, branch, pr_url,
    created_at, finished_at. With --json: an array of task objects.
    """
    from pithy_local.service import list_tasks

    wanted = None if everything else limit or DEFAULT_LIMIT
    with state.app() as app:
        chosen = [Status(word) for word in statuses]
        # One more than asked for tells whether something is left out.
        tasks = list_tasks(app, statuses=chosen, repo=repo, limit=wanted + 1 if wanted else None)
        more = wanted is not None and len(tasks) > wanted
        print_tasks(app, tasks[:wanted], as_json=state.json)
        if more and limit is None and Screen.current().tty:
            state.say(f"The newest {wanted} are shown; --all shows every task.")
        if Screen.current().tty:
            _explain(app, state, empty=not tasks)
    return 0


def _explain(app: App, state: State, *, empty: bool) -> None:
    """What the table leaves open: how to begin, and why nothing is started."""
    from pithy_local.service import explain_pause, paused

    found = paused(app)
    if found is not None:
        state.say(explain_pause(app, found))
    elif empty:
        state.say('No tasks. Try: pithy-local add "what to change" --repo owner/name')


@click.command(cls=Verb)
@task_argument()
@pass_state
def show(state: State, task_id: str) -> int:
    """Show the task ID (or a unique prefix of it): state, error and what to do about it, usage, attempts.

    In a pipe: one `name TAB value` a line. With --json: the task object.
    """
    from pithy_local import service

    screen = Screen.current()
    with state.app() as app:
        task = service.find(app, task_id)
        if state.json:
            render.out_json(task.to_json(), screen)
        elif screen.tty:
            for line in page(task, service.attempts(app, task.id), _holds(app, task), app.clock.now_ms(), screen):
                render.out(line)
        else:
            for name, value in flat(task.to_json()):
                render.out(render.tsv((name, value)))
    return 0


def _holds(app: App, task: Task) -> str:
    """Why a queued task does not start; "" for any other."""
    from pithy_local import service

    if task.status is not Status.QUEUED:
        return ""
    found = service.paused(app)
    if found is not None:
        return service.explain_pause(app, found)
    wait = service.waits(app, [task]).get(task.id)
    if wait is not None:
        return f"until {wait.words(app.clock.now_ms())}"
    return "" if service.has_worker(app) else "for a worker: `pithy-local run`, or the dashboard"


def print_tasks(app: App, tasks: Sequence[Task], *, as_json: bool) -> None:
    """Tasks as a table, as TSV or as a JSON array."""
    screen = Screen.current()
    if as_json:
        render.out_json([task.to_json() for task in tasks], screen)
    elif not screen.tty:
        for task in tasks:
            render.out(render.tsv(record(task)))
    elif tasks:
        from pithy_local.service import waits

        now = app.clock.now_ms()
        held = {task_id: wait.short(now) for task_id, wait in waits(app, tasks).items()}
        rows = [_row(task, held.get(task.id, ""), now) for task in tasks]
        render.out(render.table(HEADER, rows, screen, flexible=FLEXIBLE))


def print_task(task: Task, *, as_json: bool) -> None:
    """One task as a line: for people, as TSV or as a JSON object."""
    screen = Screen.current()
    if as_json:
        render.out_json(task.to_json(), screen)
    elif screen.tty:
        render.out(headline(task, screen))
    else:
        render.out(render.tsv(record(task)))


def record(task: Task) -> tuple[object, ...]:
    """One task as a line of TSV; scripts rely on the order."""
    return (
        task.id, task.status.value, task.executor, task.repo, task.title, task.branch, task.pr_url,
        iso(task.created_at), iso(task.finished_at),
    )  # fmt: skip


def _row(task: Task, held: str, now: int) -> render.Row:
    where = render.Cell(text=UNISOLATED, sgr="33") if task.executor == "local" else task.executor
    tokens = short_count(task.usage.total_tokens) if task.usage.total_tokens else ""
    # Of a path the last part is enough here; a pipe and `show` have all of it.
    repo = f"…/{Path(task.repo).name}" if task.repo.startswith("/") else task.repo
    return (status(task, held), task.id, repo, task.title, where, tokens, short_age(now - task.created_at))
