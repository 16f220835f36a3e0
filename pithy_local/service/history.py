"""What happened to a task: its history, its model calls, and where a text stands in its log."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence

from pithy_local.service.app import App
from pithy_local.store import history, log_search
from pithy_local.store.calls import spent_today
from pithy_local.store.history import Event, ModelCall
from pithy_local.store.log_search import Sought


def events(app: App, task_id: str) -> list[Event]:
    """Changes of status and phase, steps and answers, oldest first."""
    return history.events(app.store, task_id)


def calls(app: App, task_id: str) -> list[ModelCall]:
    """Model calls, oldest first."""
    return history.calls(app.store, task_id)


def find_line(
    app: App, task_id: str, needles: Sequence[Sought], *, start: int, end: int, backwards: bool = False,
    wanted: Callable[[], bool] = lambda: True,
) -> int | None:  # fmt: skip
    """The seq of the next line of the log, from `start` to `end`, that has every needle; None where there is none."""
    return log_search.find(
        app.store, task_id, needles, start=start, end=end, backwards=backwards, wanted=wanted
    )  # fmt: skip


def matching_lines(
    app: App, task_id: str, needles: Sequence[Sought], *, start: int, end: int
) -> Iterator[tuple[int, array[int]]]:
    """The seqs of every line of the log, from `start` to `end`, that has every needle: step by step, each with the line
    up to which was looked."""
    return log_search.matching(app.store, task_id, needles, start=start, end=end)


def spent_today_usd(app: App) -> float:
    """USD that settled calls count against the day, since midnight; assumed where a price is not known."""
    return spent_today(app.store)[0]
