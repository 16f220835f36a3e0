"""What holds work back, and the numbers of the whole queue: pauses, the day's budget, rate limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Status, Task
from pithy_local.service.app import App
from pithy_local.store.calls import spent_today
from pithy_local.store.holds import Holds, Pause
from pithy_local.store.tasks import ALL_EXECUTORS, Tasks

DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The status line: numbers of tasks over all processes, the slots of this home, and why nothing is claimed.

    `waiting`: of the queued ones those that nobody may claim now: parked, after another one, rate limit, paused.
    """

    running: int = 0
    queued: int = 0
    waiting: int = 0
    review: int = 0
    concurrency: int = 0
    paused: Pause | None = None


@dataclass(frozen=True, kw_only=True)
class Spending:
    """USD that count against the day's budget since midnight, and what is allowed today."""

    spent_usd: float
    allowed_usd: float

    @property
    def exhausted(self) -> bool:
        return self.spent_usd >= self.allowed_usd


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Why a queued task is not claimed before `until` (ms since 1970, 0 = no time), or before the task `after` has
    completed ("" = it waits for none)."""

    until: int = 0
    reason: str = ""
    after: str = ""

    def words(self, now_ms: int) -> str:
        """What comes after "waits until": `13:05: rate limit of openai`, `task 7k3f8vdd2a has completed`"""
        time = (moment(self.until, now_ms) + (f": {self.reason}" if self.reason else "")) if self.until else ""
        if not self.after:
            return time
        return f"task {self.after} has completed" + (f", and not before {time}" if time else "")

    def short(self, now_ms: int) -> str:
        """For a table: `until 13:05`, `after 7k3f8vdd2a`"""
        return f"after {self.after}" if self.after else f"until {moment(self.until, now_ms)}"


def overview(app: App) -> Overview:
    """The numbers of the status line."""
    tasks = Tasks(app.store)
    counts = tasks.counts()
    queued = counts.get(Status.QUEUED, 0)
    return Overview(
        running=counts.get(Status.RUNNING, 0), queued=queued,
        waiting=max(0, queued - tasks.queued(ALL_EXECUTORS)) if queued else 0,
        review=counts.get(Status.NEEDS_REVIEW, 0) + counts.get(Status.NEEDS_CLARIFICATION, 0),
        concurrency=app.settings.concurrency, paused=paused(app),
    )  # fmt: skip


def paused(app: App) -> Pause | None:
    """Why nothing is claimed; None where the queue works, also when a pause is over and no worker has seen it yet."""
    found = Holds(app.store).paused
    over = found is not None and found.until is not None and found.until <= app.clock.now_ms()
    return None if over else found


def pause(app: App) -> None:
    """Claim nothing more until `resume`; what runs goes on, and tasks that are named are still worked."""
    Holds(app.store).pause()


def resume(app: App, *, budget: bool = False) -> Pause | None:
    """Go on; what was lifted, None when nothing was paused.

    `budget`: allow the day's budget again, as often as it takes to be above what is spent.
    Raises PithyError(budget) when it is spent and `budget` was not said; then the queue is paused until midnight.
    """
    holds = Holds(app.store)
    holds.lift()
    found = holds.paused
    while budget and _exhausted(app):
        holds.raise_budget()
    if found is not None and _exhausted(app):
        if found.reason != "budget":
            holds.resume()
            holds.pause_for_budget()
        raise PithyError(ErrorCode.BUDGET, _pause_words(app, holds.paused or found))
    holds.resume()
    return found


def spending(app: App) -> Spending | None:
    """What was spent today and what is allowed; None where there is no limit."""
    per_day = app.settings.budget.usd_per_day
    if not per_day:
        return None
    return Spending(spent_usd=spent_today(app.store)[0], allowed_usd=per_day * (1 + Holds(app.store).budget_raised()))


def explain_pause(app: App, found: Pause) -> str:
    """Why nothing is claimed and what to do about it, in one line."""
    return f"{_pause_words(app, found)}. {pause_hint(found)}"


def pause_hint(found: Pause) -> str:
    return ErrorCode.BUDGET.hint if found.reason == "budget" else "`pithy-local resume` goes on."


def waiting(app: App, ids: Sequence[str] | None = None) -> list[Task]:
    """Queued tasks (of `ids`, None = of all) that nobody may claim now, oldest first."""
    return Tasks(app.store).waiting(ids)


def waits(app: App, tasks: Iterable[Task]) -> dict[str, Wait]:
    """Of these tasks the queued ones that are parked, behind a rate limit or to start after another one: for what each
    waits, by id."""
    holds, now = Holds(app.store), app.clock.now_ms()
    gates: dict[str, int] = {}
    found = {}
    for task in tasks:
        if task.status is not Status.QUEUED:
            continue
        if task.provider not in gates:
            gates[task.provider] = holds.closed_until(task.provider)
        until = max(task.not_before, gates[task.provider])
        wait = Wait(
            until=until if until > now else 0, reason=f"rate limit of {task.provider}" if gates[task.provider] else "",
            after=task.after if task.after and task.blocked else "",
        )  # fmt: skip
        if wait.until or wait.after:
            found[task.id] = wait
    return found


def moment(at_ms: int, now_ms: int) -> str:
    """The time at this machine's place: `13:05`, with its date when it is more than a day away."""
    return datetime.fromtimestamp(at_ms / 1000).strftime("%H:%M" if at_ms - now_ms <= DAY_MS else "%Y-%m-%d %H:%M")


def _exhausted(app: App) -> bool:
    found = spending(app)
    return found is not None and found.exhausted


def _pause_words(app: App, found: Pause) -> str:
    if found.reason != "budget" or found.until is None:
        return "the queue is paused"
    return f"the day's budget is spent: the queue is paused until {moment(found.until, app.clock.now_ms())}"
