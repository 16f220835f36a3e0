"""Log lines removed in short steps: a million rows in one transaction would stall every writer for a second."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pithy_local.models import Stream
from pithy_local.store.database import Store

STEP_LINES = 2_000
STEP_PAGES = 256
PAUSE_SECONDS = 0.005
"""Between two steps: 33 ms is then the longest that a writer waits (RELIABILITY)."""
SPARE_PAGES = 1_024
"""Free pages that stay in the file: new lines use them again."""

_WITH_LOG = """
WITH RECURSIVE found(task) AS (
  SELECT min(task) FROM line
  UNION ALL SELECT (SELECT min(task) FROM line WHERE task > found.task) FROM found WHERE found.task IS NOT NULL)
SELECT task FROM found WHERE task IS NOT NULL UNION SELECT task FROM cursor"""
"""A step through the index for each task, instead of one for each line."""


@dataclass(frozen=True, kw_only=True)
class Expired:
    """The log of a task that settled long ago: its lines up to `last`, and the fence that it had then."""

    task: int
    fence: int
    last: int


class LogRemoval:
    """What it returns as an iterator is done step by step, while that is iterated; each step is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def expired(self, before_ms: int) -> list[Expired]:
        """Logs of tasks that settled before; none of those removed already."""
        rows = self._store.logs.rows("SELECT task, fence, seq FROM cursor WHERE removed_at IS NULL AND seq > 0")
        due = self._tasks([row["task"] for row in rows], "AND finished_at < ?", before_ms)
        return [
            Expired(task=row["task"], fence=row["fence"], last=row["seq"]) for row in rows if row["task"] in due
        ]  # fmt: skip

    def strangers(self) -> list[int]:
        """Row numbers that have a log and no task: somebody died while removing the task."""
        numbers = [row["task"] for row in self._store.logs.rows(_WITH_LOG)]  # before the tasks: no log precedes its own
        known = self._tasks(numbers)
        return [number for number in numbers if number not in known]

    def expire(self, log: Expired, words: str) -> Iterator[None]:
        """Remove its lines from the front; the last one becomes `words`, and keeps its number.

        Ends early for a task that was claimed again meanwhile: a live log loses no line.
        """
        logs, done = self._store.logs, False
        while not done:
            with logs.transaction():
                row = logs.row(
                    "UPDATE cursor SET first = min(first + ?, ?) WHERE task = ? AND fence = ? RETURNING first",
                    (STEP_LINES, log.last, log.task, log.fence),
                )
                if row is None:
                    return
                logs.write("DELETE FROM line WHERE task = ? AND seq < ?", (log.task, row["first"]))
                done = row["first"] == log.last
                if done:
                    self._mark(log, words)
            yield

    def remove(self, task: int) -> None:
        """Remove the whole log of a task that is gone."""
        for _ in self.drop(task):
            self._store.clock.sleep(PAUSE_SECONDS)

    def drop(self, task: int) -> Iterator[None]:
        """The same, at the caller's pace."""
        logs = self._store.logs
        logs.write("DELETE FROM cursor WHERE task = ?", (task,))  # first: nobody can append any more
        while logs.write(
            "DELETE FROM line WHERE task = ?1 AND seq IN (SELECT seq FROM line WHERE task = ?1 LIMIT ?2)",
            (task, STEP_LINES),
        ):
            yield

    def give_back(self) -> Iterator[None]:
        """Let the file shrink by its free pages; nothing happens to one that was made before it could."""
        logs = self._store.logs
        while (free := int(logs.rows("PRAGMA freelist_count")[0][0])) > SPARE_PAGES:
            logs.rows(f"PRAGMA incremental_vacuum({min(STEP_PAGES, free - SPARE_PAGES)})")
            if int(logs.rows("PRAGMA freelist_count")[0][0]) == free:
                return
            yield

    def _mark(self, log: Expired, words: str) -> None:
        logs, now = self._store.logs, self._store.clock.now_ms()
        logs.write(
            "UPDATE line SET stream = ?, text = ?, at = ? WHERE task = ? AND seq = ?",
            (Stream.SYS.value, words, now, log.task, log.last),
        )
        logs.write(
            """UPDATE cursor SET removed_at = ?, bytes = 0, part_out = x'', part_err = x'', truncated = 0
               WHERE task = ?""",
            (now, log.task),
        )

    def _tasks(self, numbers: Collection[int], condition: str = "", *params: int) -> set[int]:
        """Those of the row numbers that are tasks, and fulfil the condition."""
        rows = self._store.queue.rows(
            f"SELECT n FROM task WHERE n IN (SELECT value FROM json_each(?)) {condition}",
            (json.dumps(list(numbers)), *params),
        )
        return {row["n"] for row in rows}
