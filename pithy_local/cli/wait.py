"""`wait`: until tasks have settled."""

from __future__ import annotations

import click

from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.params import Span, tasks_argument
from pithy_local.cli.view import print_tasks
from pithy_local.errors import ExitCode
from pithy_local.models import Status


@click.command(cls=Verb)
@tasks_argument()
@click.option("--timeout", type=Span(), metavar="S", help="Give up after S seconds (or 90s, 10m): exit code 124.")
@pass_state
def wait(state: State, ids: tuple[str, ...], timeout: float | None) -> int:
    """Wait until the tasks have settled: completed, failed, cancelled, needs_review or needs_clarification.

    Exit code 0 if all completed, 1 otherwise, 124 when --timeout passed. Prints the tasks as `list` does. It works
    nothing itself: `run` or the dashboard does.
    """
    from pithy_local import service

    with state.app() as app:
        tasks, timed_out = service.wait(app, ids, timeout=timeout)
        print_tasks(app, tasks, as_json=state.json)
    if timed_out:
        return int(ExitCode.TIMEOUT)
    return int(ExitCode.OK if all(task.status is Status.COMPLETED for task in tasks) else ExitCode.FAILED)
