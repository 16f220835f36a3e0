"""`pause` and `resume`: whether anything is claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.clock import iso

if TYPE_CHECKING:
    from pithy_local.service import App


@click.command(cls=Verb)
@pass_state
def pause(state: State) -> int:
    """Start no more tasks until `resume`; what runs goes on.

    It holds for every process of this home, also after a restart. Tasks that are named (`run ID`, `add --wait`) are
    worked all the same. With --json: an object (paused, reason, until).
    """
    from pithy_local import service

    with state.app() as app:
        service.pause(app)
        _print(app, state)
        state.say("paused: what runs goes on, nothing more is started; `pithy-local resume` goes on")
    return 0


@click.command(cls=Verb)
@click.option("--budget", is_flag=True, help="Allow the day's budget once more, today alone.")
@pass_state
def resume(state: State, budget: bool) -> int:
    """Start tasks again.

    A pause because the day's budget is spent ends at midnight, or with --budget (exit code 6 without it).
    """
    from pithy_local import service

    with state.app() as app:
        lifted = service.resume(app, budget=budget)
        _print(app, state)
        state.say("the queue goes on" if lifted else "the queue was not paused")
        money = service.spending(app) if budget else None
        if money is not None:
            spent, allowed = render.money(money.spent_usd), render.money(money.allowed_usd)
            state.say(f"spent today: {spent} of the {allowed} allowed")
    return 0


def _print(app: App, state: State) -> None:
    """With --json how the queue stands now; else there is no data to print."""
    from pithy_local import service

    if state.json:
        found = service.paused(app)
        reason, until = (found.reason, found.until) if found else (None, None)
        render.out_json({"paused": found is not None, "reason": reason, "until": iso(until)})
