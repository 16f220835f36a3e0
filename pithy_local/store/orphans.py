"""Running tasks without an owner: accepted ones, what a dead or leaving process left, what was told to start at once.

Whoever has room takes one up and goes on from its phase. The owner's id and a higher fence come with the claim, as for
a queued task.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from pithy_local.models import Task
from pithy_local.store.claiming import HOLDS_A_SLOT
from pithy_local.store.database import Store
from pithy_local.store.tasks import LEASE_MS, Tasks

OURS = ("docker", "local")
"""Executors whose attempts run in a process of ours; others' wait for a report from outside."""
DELIVERIES = 4
"""Deliveries that may run beside a full home: they need no sandbox."""

_OWNED = f"(SELECT count(*) FROM task INDEXED BY task_running WHERE {HOLDS_A_SLOT})"
_CLAIMABLE = f"""status = 'running' AND owner IS NULL AND executor IN (SELECT value FROM json_each(:ours))
  AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))
  AND CASE phase
    WHEN 'delivering' THEN {_OWNED} < :concurrency + {DELIVERIES}
    WHEN 'preparing' THEN {_OWNED} < :concurrency AND executor IN (SELECT value FROM json_each(:able))
    ELSE executor IN (SELECT value FROM json_each(:able)) END"""
"""Sandboxes that run already are taken up at once, however many: they need somebody."""
_CLAIM = f"""UPDATE task SET owner = :owner, fence = fence + 1, lease_until = :lease, updated_at = :now
WHERE n = (SELECT n FROM task INDEXED BY task_running WHERE {_CLAIMABLE}
           ORDER BY phase IN ('preparing', 'delivering'), n LIMIT 1)
RETURNING id"""


class Orphans:
    """Seen by every process that works the queue."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(
        self, owner: str, *, executors: Collection[str], concurrency: int, ids: Sequence[str] | None = None
    ) -> Task | None:
        """Take one up (of `ids`, None = of all), in one statement; None when there is none to take.

        `executors`: those that can run something now; a delivery needs none.
        """
        clock = self._store.clock
        rows = self._store.queue.rows(_CLAIM, {
            "owner": owner, "lease": clock.lease_ms() + LEASE_MS, "now": clock.now_ms(), "concurrency": concurrency,
            "able": json.dumps(list(executors)), "ours": json.dumps(OURS),
            "ids": None if ids is None else json.dumps(list(ids)),
        })  # fmt: skip
        return Tasks(self._store).get(rows[0]["id"]) if rows else None

    def waiting(self, executor: str, ids: Sequence[str] | None = None) -> int:
        """How many of this executor's (of `ids`, None = of all) wait for somebody who can use it."""
        row = self._store.queue.row(
            """SELECT count(*) AS number FROM task INDEXED BY task_running
               WHERE status = 'running' AND owner IS NULL AND executor = ? AND phase <> 'delivering'
                 AND (? IS NULL OR id IN (SELECT value FROM json_each(?)))""",
            (executor, *[None if ids is None else json.dumps(list(ids))] * 2),
        )
        return int(row["number"]) if row else 0
