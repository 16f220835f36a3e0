"""`demo`: the main job end to end, and git's word that the commit is there."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import get_args

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.render import Screen
from pithy_local.config import ExecutorName
from pithy_local.errors import ErrorCode, ExitCode, PithyError, without_task
from pithy_local.models import Status, Task
from pithy_local.text import safe, safe_block


@click.command(cls=Verb)
@click.option("--executor", type=click.Choice(get_args(ExecutorName)),
              help="Otherwise docker where an engine answers, else local.")  # fmt: skip
@pass_state
def demo(state: State, executor: str | None) -> int:
    """See the main job end to end on a sample repository; needs no key and no account.

    A task is queued, an agent with a written answer does it in a sealed container (without a Docker engine: as a plain
    process, UNISOLATED), and the commit lies on a branch of a real git repository below the data directory. Exit code
    0 only if git finds it there.
    """
    from pithy_local import demo as sample
    from pithy_local import service
    from pithy_local.cli.work import see_through
    from pithy_local.paths import find_home

    root = sample.demo_home(find_home(state.home, state.env).prepare())
    with service.open_app(config_file=state.config, home=str(root), env=state.env) as app:
        prepared = sample.prepare_demo(app, executor=executor, say=state.say)
        state.say(f"sample repository: {prepared.repo}")
        task = service.add(prepared.app, prepared.request).task
        state.say(f"task {task.id}: {task.title}")
        task = see_through(prepared.app, task.id, say=state.say, follow=True, adoptable=False)
        delivery = sample.delivered(prepared, task)
        if task.status is not Status.COMPLETED or delivery is None:
            raise _failure(task, executor, root)
        if state.json:
            render.out_json(task.to_json())
            return int(ExitCode.OK)
        _print(task, delivery.stat)
        state.say(f"It lies in {prepared.repo}, on branch {task.branch}. Look around:")
        state.say(f"  git -C {prepared.repo} show {task.branch}")
        state.say(f"  pithy-local --home {root} show {task.id}")
    return int(ExitCode.OK)


def _print(task: Task, stat: str) -> None:
    screen = Screen.current()
    status = render.paint_cell(render.status_cell(task.status), screen)
    render.out(f"{status}  {safe(task.branch)}" if screen.tty else render.tsv((task.id, task.branch, task.head_sha)))
    render.out(safe_block(stat))


def _failure(task: Task, executor: str | None, root: Path) -> PithyError:
    """Of a task that nobody works again: the next demo has a repository and a task of its own."""
    if task.error is None:
        return PithyError(ErrorCode.INTERNAL, f"the demo's commit is not on {task.branch} (task {task.status.value})")
    log = f"`pithy-local --home {shlex.quote(str(root))} logs {task.id}` has the log."
    hint = f"{without_task(task.error.hint, task.id)} {log}".strip()
    if task.executor == "docker" and executor is None:
        hint = f"{hint} `pithy-local demo --executor local` does without Docker."
    return PithyError(ErrorCode.of(task.error.code), task.error.message, hint=hint, detail=task.error.detail)
