"""`tui`: the dashboard, also opened by `pithy-local` alone on a terminal."""

from __future__ import annotations

import sys

import click

from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.errors import UsageError


@click.command(cls=Verb)
@click.option("--no-worker", is_flag=True, help="Watch and steer only: another process works the queue.")
@pass_state
def tui(state: State, no_worker: bool) -> int:
    """Open the dashboard. It works the queue too, as `run` does, unless --no-worker is given."""
    if state.dashboard is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the dashboard needs a terminal", hint="`pithy-local list` and `pithy-local run` do without.")
    with state.app() as app:
        return state.dashboard(app, not no_worker)
