"""What has changed: where the tasks stand that somebody watches, and the history of all of them in one order."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from pithy_local.models import Phase, Status
from pithy_local.store.database import Store


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where one task stands, and the number of its log's last line. A settled task's log is complete with it."""

    status: Status
    phase: Phase | None
    attempt: int
    seq: int


@dataclass(frozen=True, kw_only=True)
class Change:
    """A task's status, or else its phase, became another. `id` orders the changes of all tasks; `at`: ms since 1970."""

    id: int
    task: str
    kind: str
    at: int


class Events:
    """Reads for viewers: two statements for any number of tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def heads(self, ids: Collection[str]) -> dict[str, Head]:
        """By id; tasks that are no longer there are left out."""
        tasks = self._store.queue.rows(
            "SELECT n, id, status, phase, attempt FROM task WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        # after the tasks: a log is complete before its task settles
        cursors = self._store.logs.rows(
            "SELECT task, seq FROM cursor WHERE task IN (SELECT value FROM json_each(?))",
            (json.dumps([row["n"] for row in tasks]),),
        )
        seqs = {row["task"]: row["seq"] for row in cursors}
        return {
            row["id"]: Head(
                status=Status(row["status"]), phase=Phase(row["phase"]) if row["phase"] else None,
                attempt=row["attempt"], seq=seqs.get(row["n"], 0),
            )
            for row in tasks
        }  # fmt: skip

    def last(self) -> int:
        """The id of the newest change, whatever its kind; 0 before the first."""
        row = self._store.queue.row("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
        return int(row["seq"]) if row else 0

    def page(self, *, after: int, limit: int) -> list[Change]:
        """Changes of status and phase with a higher id than `after`, in order; tasks that were removed have none."""
        rows = self._store.queue.rows(
            """SELECT e.id, e.kind, e.at, t.id AS task FROM event e JOIN task t ON t.n = e.task
               WHERE e.id > ? AND e.kind IN ('status', 'phase') ORDER BY e.id LIMIT ?""",
            (after, limit),
        )
        return [Change(id=row["id"], task=row["task"], kind=row["kind"], at=row["at"]) for row in rows]
