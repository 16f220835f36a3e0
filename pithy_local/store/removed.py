"""Ids of tasks that were removed and may have left a sandbox: it is ours, and not that of a backup's future."""

from __future__ import annotations

import json
from collections.abc import Collection

from pithy_local.store.database import Store
from pithy_local.store.orphans import OURS


class Removed:
    """Written with the removal, forgotten when the executor shows no sandbox of the task any more."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, task_id: str) -> None:
        """Before the task's row goes, in the same transaction; nothing for one that nobody ever took."""
        self._store.queue.write(
            """INSERT OR IGNORE INTO removed SELECT id, executor FROM task
               WHERE id = ? AND fence > 0 AND executor IN (SELECT value FROM json_each(?))""",
            (task_id, json.dumps(OURS)),
        )

    def at(self, executor: str) -> set[str]:
        """Those that may have left something there."""
        rows = self._store.queue.rows("SELECT id FROM removed WHERE executor = ?", (executor,))
        return {row["id"] for row in rows}

    def forget(self, ids: Collection[str]) -> None:
        """Nothing of these is left."""
        if ids:
            self._store.queue.write(
                "DELETE FROM removed WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(sorted(ids)),)
            )
