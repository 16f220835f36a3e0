"""`run`: work the queue in the foreground."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.params import tasks_argument
from pithy_local.cli.signals import stop_on_signals
from pithy_local.errors import ExitCode
from pithy_local.models import Status

if TYPE_CHECKING:
    from pithy_local.service import App


@click.command(cls=Verb)
@tasks_argument(Status.QUEUED, Status.RUNNING, required=False)
@click.option("--until-idle", is_flag=True, help="End when nothing is running and nothing may be started.")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="Attempts at once, instead of `concurrency`.")
@pass_state
def run(state: State, ids: tuple[str, ...], until_idle: bool, jobs: int | None) -> int:
    """Work the queue in the foreground, or only the tasks ID.

    Ends with exit code 0 whatever became of the tasks (`wait` tells). Ctrl+C stops claiming, cancels what runs in this
    process, removes it and ends with 130. SIGTERM, or a terminal that is closed, leaves the containers running: the
    next process that works the queue goes on with them. Without a Docker engine: exit code 3, and the tasks stay
    queued. While the queue is paused `run` waits; with --until-idle the tasks that are left then mean exit code 6.
    """
    from pithy_local import service

    with state.app() as app, stop_on_signals(state.say) as stop:
        tasks = [service.find(app, ref) for ref in ids]
        for task in tasks:
            if task.status.settled:
                state.say(f"{task.id}: {task.status.value} already")
        if not tasks:
            _announce(app, state, until_idle=until_idle, jobs=jobs)
        chosen = [task.id for task in tasks]
        service.run(app, ids=chosen, jobs=jobs, until_idle=until_idle, stop=stop, say=state.say)
        if stop.is_set():
            return int(ExitCode.INTERRUPTED)
        _say_what_waits(app, chosen, state)
        return int(ExitCode.OK)


def _announce(app: App, state: State, *, until_idle: bool, jobs: int | None) -> None:
    """Say what silence would leave open: that there is nothing to do, or how this ends."""
    from pithy_local import service

    overview = service.overview(app)
    if not until_idle:
        state.say(f"working the queue, {jobs or overview.concurrency} at once; ctrl+c stops")
    elif not overview.queued and not overview.running:
        state.say("nothing is queued")


def _say_what_waits(app: App, ids: Sequence[str], state: State) -> None:
    """Which tasks are left because their time has not come."""
    from pithy_local import service

    left = Counter(service.waits(app, service.waiting(app, ids or None)).values())
    for wait, number in left.items():
        verb = "waits" if number == 1 else "wait"
        state.say(f"{render.number_of(number, 'task')} {verb} until {wait.words(app.clock.now_ms())}")
