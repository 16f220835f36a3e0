"""What the queue has done and what it cost: sums over tasks, attempts, model calls and first answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from statistics import fmean, median
from typing import Any, Literal

from pithy_local.clock import iso
from pithy_local.models import Status
from pithy_local.store.database import Store
from pithy_local.store.webhooks import Webhooks

By = Literal["repo", "model", "day"]

QUICK_SECONDS = 180
NOT_RECOVERABLE = ("patch_malformed", "truncated", "question", "empty")
"""Verdicts on an answer that holds no change anybody could apply."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The sums. Rates and shares are from 0 to 1, None where there is nothing they could be a part of."""

    tasks: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    """Every status is there."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Tasks that settled without completing by `error.code`, the most frequent first; cancelled ones are not there."""
    calls: int = 0
    """Settled model calls."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_known_usd: float = 0.0
    """Of the calls whose price is known."""
    unpriced_calls: int = 0
    """Those whose price is not."""
    attempts: int = 0
    """Those that started and ended."""
    mean_seconds: float | None = None
    median_seconds: float | None = None
    under_3_minutes: float | None = None
    first_answers: int = 0
    """An attempt's first answer, if it was judged."""
    first_answers_applied: int = 0
    recoverable_answers: int = 0
    """First answers with a change that could be applied: not malformed, cut short, empty or a question."""

    @property
    def settled(self) -> int:
        """Tasks that ended, but for those that the user cancelled."""
        return sum(count for status, count in self.tasks.items() if status.settled and status != Status.CANCELLED)

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def cost_usd(self) -> float | None:
        """None as soon as one call's price is unknown."""
        return None if self.unpriced_calls else self.cost_known_usd

    @property
    def success_rate(self) -> float | None:
        return _share(self.tasks[Status.COMPLETED], self.settled)

    @property
    def failure_rate(self) -> float | None:
        return _share(self.tasks[Status.FAILED], self.settled)

    @property
    def apply_rate(self) -> float | None:
        """First answers that applied as they were, of all."""
        return _share(self.first_answers_applied, self.first_answers)

    @property
    def recoverable_apply_rate(self) -> float | None:
        """The same, of those that held a change."""
        return _share(self.first_answers_applied, self.recoverable_answers)

    def to_json(self) -> dict[str, Any]:
        return {
            "tasks": {status.value: count for status, count in self.tasks.items()},
            "settled": self.settled, "success_rate": _rounded(self.success_rate, 4),
            "failure_rate": _rounded(self.failure_rate, 4), "reasons": self.reasons,
            "calls": self.calls, "input_tokens": self.input_tokens, "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens, "cost_usd": _rounded(self.cost_usd, 6),
            "cost_known_usd": round(self.cost_known_usd, 6), "unpriced_calls": self.unpriced_calls,
            "attempts": self.attempts, "mean_seconds": _rounded(self.mean_seconds, 1),
            "median_seconds": _rounded(self.median_seconds, 1), "under_3_minutes": _rounded(self.under_3_minutes, 4),
            "first_answers": self.first_answers, "first_answers_applied": self.first_answers_applied,
            "recoverable_answers": self.recoverable_answers, "apply_rate": _rounded(self.apply_rate, 4),
            "recoverable_apply_rate": _rounded(self.recoverable_apply_rate, 4),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Group:
    """The figures of one repository, model or local date (`2026-11-23`); None: calls of tasks that were removed."""

    key: str | None
    figures: Figures


@dataclass(frozen=True, kw_only=True)
class Stats:
    """`groups` is empty without `by`; days come in order, others by their number of tasks."""

    since_ms: int | None
    by: By | None
    total: Figures
    groups: tuple[Group, ...] = ()
    webhooks_taken: int = 0
    webhooks_refused: dict[str, int] = field(default_factory=dict)
    """Completion reports by the reason why they were refused, the most frequent first."""

    def to_json(self) -> dict[str, Any]:
        return {
            "since": iso(self.since_ms), "by": self.by, **self.total.to_json(),
            "webhooks": {"taken": self.webhooks_taken, "refused": self.webhooks_refused},
            "groups": [{"key": group.key, **group.figures.to_json()} for group in self.groups],
        }  # fmt: skip


def stats(store: Store, *, since_ms: int | None = None, by: By | None = None) -> Stats:
    """The figures since then (ms since 1970, None = of all time), in all and in groups.

    Tasks and attempts count at the moment they ended, what is queued or running counts as of now; calls and answers
    count when they were made, calls also after their task was removed. By model, calls go by the model that was called
    and everything else by the task's.
    """
    counting = _Counting(store, since_ms)
    total = counting.figures(None).get(None, Figures())
    groups = [Group(key=key, figures=figures) for key, figures in counting.figures(by).items()] if by else []
    order = _by_day if by == "day" else _by_tasks
    webhooks = Webhooks(store)
    return Stats(
        since_ms=since_ms, by=by, total=total, groups=tuple(sorted(groups, key=order)),
        webhooks_taken=webhooks.taken(since_ms or 0), webhooks_refused=webhooks.refused(since_ms or 0),
    )  # fmt: skip


def _by_day(group: Group) -> str:
    return group.key or ""


def _by_tasks(group: Group) -> tuple[bool, int, str]:
    return group.key is None, -sum(group.figures.tasks.values()), group.key or ""


_DAY = "date({at} / 1000, 'unixepoch', 'localtime')"
_ENDED = "coalesce(t.finished_at, :now)"


class _Counting:
    """One statement a table, each with the group's key as its first column."""

    def __init__(self, store: Store, since_ms: int | None) -> None:
        self._queue = store.queue
        self._params = {"since": since_ms or 0, "now": store.clock.now_ms()}
        self._found: defaultdict[str | None, Figures]

    def figures(self, by: By | None) -> dict[str | None, Figures]:
        """By key; with no `by` all in one, under None."""
        self._found = defaultdict(Figures)
        self._count_tasks(by)
        self._count_reasons(by)
        self._count_calls(by)
        self._count_attempts(by)
        self._count_answers(by)
        return dict(self._found)

    def _add(self, key: str | None, **changes: Any) -> None:
        self._found[key] = replace(self._found[key], **changes)

    def _count_tasks(self, by: By | None) -> None:
        for key, status, count in self._rows(
            f"""SELECT {_key(by, _ENDED)} AS key, t.status, count(*) FROM task t
                WHERE {_ENDED} >= :since GROUP BY key, t.status"""
        ):
            self._add(key, tasks={**self._found[key].tasks, Status(status): count})

    def _count_reasons(self, by: By | None) -> None:
        for key, code, count in self._rows(
            f"""SELECT {_key(by, _ENDED)} AS key, json_extract(a.error, '$.code') AS code, count(*) AS number
                FROM task t JOIN attempt a ON a.task = t.n AND a.number = t.attempt
                WHERE t.status IN ('failed', 'needs_review', 'needs_clarification') AND {_ENDED} >= :since
                  AND a.error IS NOT NULL GROUP BY key, code ORDER BY number DESC, code"""
        ):
            self._add(key, reasons={**self._found[key].reasons, code: count})

    def _count_calls(self, by: By | None) -> None:
        for key, calls, input_tokens, output_tokens, known, unpriced in self._rows(
            f"""SELECT {_key(by, "c.at", model="c.model")} AS key, count(*), sum(c.input_tokens), sum(c.output_tokens),
                  total(c.cost_usd), count(*) - count(c.cost_usd)
                FROM call c LEFT JOIN task t ON t.n = c.task
                WHERE c.settled_at IS NOT NULL AND c.at >= :since GROUP BY key"""
        ):
            self._add(
                key, calls=calls, input_tokens=input_tokens, output_tokens=output_tokens, cost_known_usd=known,
                unpriced_calls=unpriced,
            )  # fmt: skip

    def _count_attempts(self, by: By | None) -> None:
        lasted: defaultdict[str | None, list[float]] = defaultdict(list)
        for key, milliseconds in self._rows(
            f"""SELECT {_key(by, "a.finished_at")}, a.finished_at - a.started_at
                FROM attempt a JOIN task t ON t.n = a.task
                WHERE a.started_at IS NOT NULL AND a.finished_at >= :since"""
        ):
            lasted[key].append(milliseconds / 1000)
        for key, seconds in lasted.items():
            quick = sum(each < QUICK_SECONDS for each in seconds)
            self._add(
                key, attempts=len(seconds), mean_seconds=fmean(seconds), median_seconds=median(seconds),
                under_3_minutes=quick / len(seconds),
            )  # fmt: skip

    def _count_answers(self, by: By | None) -> None:
        verdict = "json_extract(e.body, '$.verdict')"
        hopeless = ", ".join(f"'{word}'" for word in NOT_RECOVERABLE)
        for key, judged, applied, recoverable in self._rows(
            f"""SELECT {_key(by, "e.at")} AS key, count(*), sum({verdict} = 'applied'),
                  sum({verdict} NOT IN ({hopeless}))
                FROM event e JOIN task t ON t.n = e.task
                WHERE e.kind = 'answer' AND e.at >= :since AND json_extract(e.body, '$.round') = 1 GROUP BY key"""
        ):
            self._add(key, first_answers=judged, first_answers_applied=applied, recoverable_answers=recoverable)

    def _rows(self, sql: str) -> Iterable[tuple[Any, ...]]:
        return (tuple(row) for row in self._queue.rows(sql, self._params))


def _key(by: By | None, at: str, *, model: str = "t.model") -> str:
    """The SQL of a group's key; `at` is the moment a row counts at."""
    keys = {None: "NULL", "repo": "t.repo", "model": model, "day": _DAY.format(at=at)}
    return keys[by]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
