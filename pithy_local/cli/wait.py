"""`wait` and `cancel`: until tasks have settled, or so that they settle now."""

from __future__ import annotations

import click

from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.view import print_tasks
from pithy_local.errors import ExitCode, Refused
from pithy_local.models import Status


class Span(click.ParamType[float]):
    """Seconds as a number, or a duration such as `90s`, `10m`."""

    name = "seconds"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        from pithy_local.config import parse_duration

        seconds = parse_duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is neither a number of seconds nor a duration such as 90s or 10m", param, ctx)
        return seconds


@click.command(cls=Verb)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
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


@click.command(cls=Verb)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@pass_state
def cancel(state: State, ids: tuple[str, ...]) -> int:
    """Cancel the tasks ID: a queued one at once, a running one as soon as its worker has removed its sandbox.

    A task that has settled already is refused (exit code 6); the others are cancelled all the same.
    """
    from pithy_local import service

    with state.app() as app:
        # Every id is looked up before the first one is touched: a typing mistake cancels nothing.
        chosen = [service.find(app, ref).id for ref in ids]
        cancelled, refused = [], []
        for task_id in dict.fromkeys(chosen):
            try:
                cancelled.append(service.cancel(app, task_id))
            except Refused as error:
                refused.append(error)
        print_tasks(app, cancelled, as_json=state.json)
    if refused:
        raise Refused("; ".join(error.message for error in refused))
    return int(ExitCode.OK)
