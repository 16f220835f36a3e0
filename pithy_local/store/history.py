"""What happened to a task, in order: phases, steps and answers (`event`), and its model calls (`call`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pithy_local.store.database import Store

MOST_EVENTS = 2_000
"""The newest are read: a runner may report as many steps as it likes."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One entry of a task's history. `kind`: status, phase, step or answer; `at` in ms since 1970."""

    attempt: int
    at: int
    kind: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelCall:
    """One model call. `http_status` None: it is under way. `cost_usd` None: the price is not known."""

    attempt: int
    at: int
    provider: str
    model: str
    http_status: int | None
    input_tokens: int
    output_tokens: int
    seconds: float
    cost_usd: float | None


def events(store: Store, task_id: str) -> list[Event]:
    """The newest `MOST_EVENTS` entries of this task, oldest first."""
    rows = store.queue.rows(
        """SELECT e.attempt, e.at, e.kind, e.body FROM event e JOIN task t ON t.n = e.task
           WHERE t.id = ? ORDER BY e.id DESC LIMIT ?""",
        (task_id, MOST_EVENTS),
    )
    return [
        Event(attempt=row["attempt"], at=row["at"], kind=row["kind"], body=json.loads(row["body"]))
        for row in reversed(rows)
    ]


def calls(store: Store, task_id: str) -> list[ModelCall]:
    """The newest `MOST_EVENTS` model calls of this task, oldest first."""
    rows = store.queue.rows(
        """SELECT c.* FROM call c JOIN task t ON t.n = c.task WHERE t.id = ? ORDER BY c.id DESC LIMIT ?""",
        (task_id, MOST_EVENTS),
    )
    return [
        ModelCall(
            attempt=row["attempt"], at=row["at"], provider=row["provider"], model=row["model"],
            http_status=row["http_status"], input_tokens=row["input_tokens"], output_tokens=row["output_tokens"],
            seconds=row["seconds"], cost_usd=row["cost_usd"],
        )
        for row in reversed(rows)
    ]  # fmt: skip
