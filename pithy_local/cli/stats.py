"""`stats`: what was done and spent, how it ended, how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.page import flat
from pithy_local.cli.params import Span
from pithy_local.cli.render import Screen
from pithy_local.models import Status
from pithy_local.text import short_count

if TYPE_CHECKING:
    from pithy_local.service import Spending
    from pithy_local.store.stats import By, Figures, Group, Stats

HEADER = ("DONE", "FAILED", "SUCCESS", "TOKENS", "COST", "MEDIAN")
REMOVED = "(removed tasks)"


@click.command(cls=Verb)
@click.option("--since", type=Span(), metavar="AGE", help="Only the last AGE: 24h, 7d. Everything otherwise.")
@click.option("--by", type=click.Choice(["repo", "model", "day"]), help="Groups besides the total.")
@pass_state
def stats(state: State, since: float | None, by: By | None) -> int:
    """Show what was done and spent: tasks and how they ended, tokens, cost, durations, answers that applied.

    In a pipe: one `name TAB value` a line; with --by one group a line: key, completed, failed, needs_review,
    needs_clarification, cancelled, success_rate, input_tokens, output_tokens, cost_usd, mean_seconds, median_seconds,
    under_3_minutes, apply_rate, recoverable_apply_rate. What is not known is empty. With --json: an object.
    """
    from pithy_local import service

    screen = Screen.current()
    with state.app() as app:
        found = service.stats(app, since=since, by=by)
        if state.json:
            render.out_json(found.to_json(), screen)
        elif screen.tty:
            _print_page(found, service.spending(app), screen)
        elif by is None:
            for name, value in flat(found.to_json()):
                render.out(render.tsv((name, value)))
        else:
            for group in found.groups:
                render.out(render.tsv(_record(group)))
    return 0


def _print_page(found: Stats, today: Spending | None, screen: Screen) -> None:
    render.out(render.fields((*_facts(found.total, today), ("webhooks", _webhooks(found))), screen))
    if found.groups:
        rows = [_row(group) for group in found.groups]
        render.out("")
        render.out(render.table(((found.by or "").upper(), *HEADER), rows, screen, flexible=(0,)))


def _facts(total: Figures, today: Spending | None) -> Iterator[tuple[str, str]]:
    """The sums, in words; what there is nothing of is left out."""
    yield "tasks", ", ".join(f"{number} {status.value}" for status, number in total.tasks.items() if number) or "none"
    yield "success", _share(total.success_rate, f"of {total.settled} settled")
    yield "failures", _share(total.failure_rate, f"of {total.settled} settled")
    yield "reasons", ", ".join(f"{code} {number}" for code, number in total.reasons.items())
    if total.calls:
        given, answered = short_count(total.input_tokens), short_count(total.output_tokens)
        yield "tokens", f"{given} in, {answered} out, {render.number_of(total.calls, 'call')}"
        yield "cost", _cost(total)
    if today is not None:
        yield "today", f"{render.money(today.spent_usd)} of {render.money(today.allowed_usd)}"
    if total.mean_seconds is not None and total.median_seconds is not None:
        yield "attempts", f"mean {_span(total.mean_seconds)}, median {_span(total.median_seconds)}"
    yield "quick", _share(total.under_3_minutes, f"of {total.attempts} under 3 minutes")
    yield "first answers", _share(total.apply_rate, f"of {total.first_answers} applied")
    yield "recoverable", _share(total.recoverable_apply_rate, f"of {total.recoverable_answers} applied")


def _webhooks(found: Stats) -> str:
    """`3 taken, refused: signature 2`; "" where none ever came."""
    refused = ", ".join(f"{reason} {number}" for reason, number in found.webhooks_refused.items())
    parts = (
        f"{found.webhooks_taken} taken" if found.webhooks_taken or refused else "",
        refused and f"refused: {refused}",
    )
    return ", ".join(part for part in parts if part)


def _share(rate: float | None, of: str) -> str:
    return "" if rate is None else f"{rate:.0%} {of}"


def _cost(figures: Figures) -> str:
    """Never less than it was: what is not priced is said."""
    if figures.cost_usd is not None:
        return render.money(figures.cost_usd)
    known, unpriced = render.money(figures.cost_known_usd), render.number_of(figures.unpriced_calls, "call")
    return f"{known} and {unpriced} of unknown price"


def _span(seconds: float) -> str:
    return render.span(int(seconds * 1000))


def _row(group: Group) -> render.Row:
    figures = group.figures
    success = "" if figures.success_rate is None else f"{figures.success_rate:.0%}"
    cost = render.money(figures.cost_known_usd) + ("" if figures.cost_usd is not None else " + ?")
    return (
        REMOVED if group.key is None else group.key,
        str(figures.tasks[Status.COMPLETED]), str(figures.tasks[Status.FAILED]), success,
        short_count(figures.total_tokens), cost if figures.calls else "",
        "" if figures.median_seconds is None else _span(figures.median_seconds),
    )  # fmt: skip


def _record(group: Group) -> tuple[object, ...]:
    """One group as a line of TSV; scripts rely on the order."""
    shown = group.figures.to_json()
    return (
        group.key,
        *(shown["tasks"][status.value] for status in Status if status.settled),
        *(shown[name] for name in (
            "success_rate", "input_tokens", "output_tokens", "cost_usd", "mean_seconds", "median_seconds",
            "under_3_minutes", "apply_rate", "recoverable_apply_rate",
        )),
    )  # fmt: skip
