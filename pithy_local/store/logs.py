"""Log lines: appended in batches by the lease's holder, read by keyset pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pithy_local.errors import LeaseLost
from pithy_local.models import LogLine, Stream
from pithy_local.store.database import Store


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line on its way into the log; its seq is given by the append. `at` in ms since 1970."""

    at: int
    stream: Stream
    text: str


class Logs:
    """The log of every task. `task` is the queue's row number, which makes the key small."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, task: int, attempt: int, fence: int) -> None:
        """Let the holder of this fence append from now on, and nobody with a lower one."""
        changed = self._store.logs.write(
            """INSERT INTO cursor(task, attempt, fence) VALUES (?, ?, ?)
               ON CONFLICT(task) DO UPDATE SET attempt = excluded.attempt, fence = excluded.fence,
                 frames = CASE WHEN cursor.attempt = excluded.attempt THEN frames ELSE 0 END
               WHERE excluded.fence >= cursor.fence""",
            (task, attempt, fence),
        )
        if changed != 1:
            raise LeaseLost(str(task))

    def append(self, task: int, fence: int, entries: Sequence[Entry]) -> int:
        """Write the lines and advance the cursor in one transaction; the last seq.

        Raises LeaseLost when a higher fence has opened this log: then nothing was written.
        """
        logs = self._store.logs
        size = sum(len(entry.text) for entry in entries)
        with logs.transaction():
            row = logs.row(
                """UPDATE cursor SET seq = seq + ?, bytes = bytes + ? WHERE task = ? AND fence = ?
                   RETURNING seq, attempt""",
                (len(entries), size, task, fence),
            )
            if row is None:
                raise LeaseLost(str(task))
            first = row["seq"] - len(entries) + 1
            logs.write_many(
                "INSERT INTO line(task, seq, attempt, at, stream, text) VALUES (?,?,?,?,?,?)",
                [
                    (task, first + index, row["attempt"], entry.at, entry.stream.value, entry.text)
                    for index, entry in enumerate(entries)
                ],
            )
        return int(row["seq"])

    def page(self, task_id: str, *, after: int = 0, limit: int = 1000, attempt: int | None = None) -> list[LogLine]:
        """Lines with seq > `after`, in order, `limit` at most."""
        rows = self._store.logs.rows(
            "SELECT * FROM line WHERE task = ? AND seq > ? AND (? IS NULL OR attempt = ?) ORDER BY seq LIMIT ?",
            (self._row_number(task_id), after, attempt, attempt, limit),
        )
        return [_line(row) for row in rows]

    def tail(self, task_id: str, lines: int, *, attempt: int | None = None) -> list[LogLine]:
        """The last `lines` lines, in order."""
        rows = self._store.logs.rows(
            "SELECT * FROM line WHERE task = ? AND (? IS NULL OR attempt = ?) ORDER BY seq DESC LIMIT ?",
            (self._row_number(task_id), attempt, attempt, lines),
        )
        return [_line(row) for row in reversed(rows)]

    def last_seq(self, task_id: str) -> int:
        """The number of the last line; 0 for an empty log."""
        row = self._store.logs.row("SELECT seq FROM cursor WHERE task = ?", (self._row_number(task_id),))
        return int(row["seq"]) if row else 0

    def _row_number(self, task_id: str) -> int:
        row = self._store.queue.row("SELECT n FROM task WHERE id = ?", (task_id,))
        return int(row["n"]) if row else 0


def _line(row: sqlite3.Row) -> LogLine:
    return LogLine(seq=row["seq"], attempt=row["attempt"], at=row["at"], stream=Stream(row["stream"]), text=row["text"])
