"""`list` and `show`: what is in the queue, and all about one task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.render import Screen
from pithy_local.clock import iso
from pithy_local.models import Attempt, Status, Task
from pithy_local.text import safe_block, safe_line, short_age, short_count

if TYPE_CHECKING:
    from pithy_local.service import App

DEFAULT_LIMIT = 30
HEADER = ("STATUS", "ID", "REPO", "TITLE", "WHERE", "TOKENS", "AGE")
FLEXIBLE = (2, 3)
UNISOLATED = "local UNISOLATED"


@click.command("list", cls=Verb)
@click.option("--status", "statuses", multiple=True, metavar="S", type=click.Choice([s.value for s in Status]),
              help=f"Only this status; repeat for more: {', '.join(s.value for s in Status)}.")  # fmt: skip
@click.option("--repo", metavar="R", help="Only this repository.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"At most N tasks (default {DEFAULT_LIMIT}).")
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
        if not tasks and Screen.current().tty:
            state.say('No tasks. Try: pithy-local add "what to change" --repo owner/name')
    return 0


@click.command(cls=Verb)
@click.argument("task_id", metavar="ID")
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
            for line in _page(task, service.attempts(app, task.id), app.clock.now_ms(), screen):
                render.out(line)
        else:
            for name, value in _flat(task):
                render.out(render.tsv((name, value)))
    return 0


def print_tasks(app: App, tasks: Sequence[Task], *, as_json: bool) -> None:
    """Tasks as a table, as TSV or as a JSON array."""
    screen = Screen.current()
    if as_json:
        render.out_json([task.to_json() for task in tasks], screen)
    elif not screen.tty:
        for task in tasks:
            render.out(render.tsv(record(task)))
    elif tasks:
        rows = [_row(task, app.clock.now_ms()) for task in tasks]
        render.out(render.table(HEADER, rows, screen, flexible=FLEXIBLE))


def record(task: Task) -> tuple[object, ...]:
    """One task as a line of TSV; scripts rely on the order."""
    return (
        task.id, task.status.value, task.executor, task.repo, task.title, task.branch, task.pr_url,
        iso(task.created_at), iso(task.finished_at),
    )  # fmt: skip


def _row(task: Task, now: int) -> render.Row:
    where = render.Cell(text=UNISOLATED, sgr="33") if task.executor == "local" else task.executor
    tokens = short_count(task.usage.total_tokens) if task.usage.total_tokens else ""
    # Of a path the last part is enough here; a pipe and `show` have all of it.
    repo = f"…/{Path(task.repo).name}" if task.repo.startswith("/") else task.repo
    return (_status(task), task.id, repo, task.title, where, tokens, short_age(now - task.created_at))


def _status(task: Task) -> render.Cell:
    """The status, and of a running task where it is."""
    phase = task.phase.value if task.phase else ""
    return render.status_cell(task.status, "cancelling" if phase and task.cancel_requested else phase)


def _page(task: Task, attempts: Sequence[Attempt], now: int, screen: Screen) -> Iterator[str]:
    yield f"{render.paint_cell(_status(task), screen)}  {task.id}  {screen.paint(safe_line(task.title), '1')}"
    yield ""
    yield render.fields(_facts(task, now, screen), screen)
    if task.error is not None:
        yield ""
        yield screen.paint(f"{task.error.code}: {safe_line(task.error.message)}", "31")
        if task.error.hint:
            yield f"hint: {safe_line(task.error.hint)}"
        yield from (f"  {line}" for line in _detail(task.error.detail))
    if len(attempts) > 1:
        yield ""
        yield render.table(
            ("ATTEMPT", "OUTCOME", "TOOK", "TOKENS"), [_attempt(a) for a in attempts], screen, flexible=(1,)
        )
    yield ""
    yield "\n".join(f"  {line}" for line in safe_block(task.prompt).split("\n"))


def _detail(detail: Mapping[str, object]) -> Iterator[str]:
    """What is known about an error, a line each: `http_status: 401`; of a list of records one line a record."""
    for name, value in detail.items():
        for part in value if isinstance(value, list) else [value]:
            words = ", ".join(f"{key} {each}" for key, each in part.items()) if isinstance(part, dict) else part
            yield safe_line(f"{name}: {words}")


def _facts(task: Task, now: int, screen: Screen) -> Iterator[tuple[str, str]]:
    """What is known of a task, in the order in which people ask."""
    at = f" at {task.base_sha[:12]}" if task.base_sha else ""
    yield "repo", safe_line(f"{task.repo}  base {task.base}{at}" if task.base else task.repo)
    yield "branch", safe_line(task.branch + (f"  commit {task.head_sha[:12]}" if task.head_sha else ""))
    yield "pr", safe_line(task.pr_url or "")
    yield "where", screen.paint(UNISOLATED, "33") if task.executor == "local" else safe_line(task.executor)
    yield "model", safe_line(f"{task.provider} {task.model}")
    if task.patch:
        patch, files = task.patch, render.number_of(task.patch.files, "file")
        yield "patch", f"+{patch.added} −{patch.removed} in {files}, {render.size(patch.bytes)}"
    usage = task.usage
    if usage.total_tokens:
        cost = "cost unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
        yield "tokens", f"{count_pair(usage.input_tokens, usage.output_tokens)}, {cost}"
    yield "priority", str(task.priority or "")
    yield "created", f"{iso(task.created_at)}  {short_age(now - task.created_at)} ago"
    if task.started_at:
        yield "took" if task.finished_at else "running", render.span((task.finished_at or now) - task.started_at)


def count_pair(given: int, answered: int) -> str:
    """`12.4k (11.9k in, 512 out)`"""
    return f"{short_count(given + answered)} ({short_count(given)} in, {short_count(answered)} out)"


def _attempt(attempt: Attempt) -> render.Row:
    took = render.span(attempt.finished_at - attempt.started_at) if attempt.started_at and attempt.finished_at else ""
    outcome = attempt.outcome or "running"
    if attempt.error:
        outcome += f" {attempt.error.code}"
    return (str(attempt.number), outcome, took, short_count(attempt.usage.total_tokens))


def _flat(task: Task) -> Iterator[tuple[str, object]]:
    """The task object as names and values: `error.code`, `usage.total_tokens`."""
    for name, value in task.to_json().items():
        if isinstance(value, dict):
            yield from (
                (f"{name}.{inner}", deep) for inner, deep in value.items() if not isinstance(deep, (dict, list))
            )
        elif not isinstance(value, list):
            yield name, value
