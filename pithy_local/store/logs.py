"""Log lines: appended in batches by the lease's holder, read by keyset pages."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pithy_local.errors import LeaseLost
from pithy_local.models import LogLine, Stream
from pithy_local.store.database import Store

SLICE = 100
"""Lines read at a time where a page is bounded by its text."""
LAST = 1 << 62
"""Past every number of a line."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line on its way into the log; its seq is given by the append. `at` in ms since 1970."""

    at: int
    stream: Stream
    text: str


@dataclass(frozen=True, kw_only=True)
class Position:
    """How much of a sandbox's own log was taken: whoever goes on with it starts from here.

    `source`: the sandbox whose `frames` are counted. `part_out`, `part_err`: its unfinished lines. `bytes`: the task's
    whole log so far, as the engine stores it. `truncated`: it reached its limit, and what followed was dropped.
    """

    source: str = ""
    frames: int = 0
    part_out: bytes = b""
    part_err: bytes = b""
    bytes: int = 0
    truncated: bool = False


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The numbers of the first and the last line that are kept: 1 and 0 for an empty log.

    Numbers have no gap between them. `truncated`: lines were dropped, since the log had reached its limit.
    """

    first: int = 1
    last: int = 0
    truncated: bool = False


class Logs:
    """The log of every task. `task` is the queue's row number, which makes the key small."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, task: int, attempt: int, fence: int) -> tuple[Bounds, Position]:
        """Let the holder of this fence append from now on, and nobody with a lower one; where the log stands.

        The same attempt goes on where it was, another one begins. Raises LeaseLost.
        """
        logs = self._store.logs
        with logs.transaction():
            row = logs.row(
                """INSERT INTO cursor(task, attempt, fence) VALUES (?, ?, ?)
                   ON CONFLICT(task) DO UPDATE SET fence = excluded.fence, removed_at = NULL
                   WHERE excluded.fence >= cursor.fence RETURNING *""",
                (task, attempt, fence),
            )
            if row is None:
                raise LeaseLost(str(task))
            if row["attempt"] != attempt:
                [row] = logs.rows(
                    """UPDATE cursor SET attempt = ?, source = '', frames = 0, part_out = x'', part_err = x'',
                         truncated = 0 WHERE task = ? RETURNING *""",
                    (attempt, task),
                )
        position = Position(
            source=row["source"], frames=row["frames"], part_out=row["part_out"], part_err=row["part_err"],
            bytes=row["bytes"], truncated=bool(row["truncated"]),
        )  # fmt: skip
        return _bounds(row), position

    def append(self, task: int, fence: int, entries: Sequence[Entry], position: Position | None = None) -> int:
        """Write the lines, and `position` where there is one, in one transaction; the last seq.

        Raises LeaseLost when a higher fence has opened this log: then nothing was written.
        """
        logs = self._store.logs
        with logs.transaction():
            row = logs.row(
                "UPDATE cursor SET seq = seq + ? WHERE task = ? AND fence = ? RETURNING seq, attempt",
                (len(entries), task, fence),
            )
            if row is None:
                raise LeaseLost(str(task))
            if position is not None:
                logs.write(
                    """UPDATE cursor SET source = ?, frames = ?, part_out = ?, part_err = ?, bytes = ?, truncated = ?
                       WHERE task = ?""",
                    (
                        position.source, position.frames, position.part_out, position.part_err, position.bytes,
                        int(position.truncated), task,
                    ),
                )  # fmt: skip
            first = row["seq"] - len(entries) + 1
            logs.write_many(
                "INSERT INTO line(task, seq, attempt, at, stream, text) VALUES (?,?,?,?,?,?)",
                [
                    (task, first + index, row["attempt"], entry.at, entry.stream.value, entry.text)
                    for index, entry in enumerate(entries)
                ],
            )
        return int(row["seq"])

    def page(
        self, task_id: str, *, after: int = 0, limit: int = 1000, attempt: int | None = None,
        max_chars: int | None = None,
    ) -> list[LogLine]:  # fmt: skip
        """Lines with seq > `after`, in order, `limit` at most.

        `max_chars`: ends before it passes so many characters of text, but holds one line.
        """
        n = self._row_number(task_id)
        low, high = self._range(n, attempt)
        low = max(low, after)
        if max_chars is None:
            return self._between(n, low, high, limit)
        lines: list[LogLine] = []
        while part := self._between(n, low, high, min(SLICE, limit - len(lines))):
            for line in part:
                max_chars -= len(line.text)
                if max_chars < 0 and lines:
                    return lines
                lines.append(line)
            low = part[-1].seq
        return lines

    def tail(self, task_id: str, lines: int, *, attempt: int | None = None) -> list[LogLine]:
        """The last `lines` lines, in order."""
        n = self._row_number(task_id)
        low, high = self._range(n, attempt)
        rows = self._store.logs.rows(
            "SELECT * FROM line WHERE task = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?", (n, low, high, lines)
        )
        return [_line(row) for row in reversed(rows)]

    def bounds(self, task_id: str) -> Bounds:
        row = self._store.logs.row("SELECT * FROM cursor WHERE task = ?", (self._row_number(task_id),))
        return _bounds(row) if row else Bounds()

    def last_seq(self, task_id: str) -> int:
        """The number of the last line; 0 for an empty log."""
        return self.bounds(task_id).last

    def starts(self, task_id: str) -> list[tuple[int, int]]:
        """(seq of its first line, attempt) of each attempt that has lines, in order."""
        n = self._row_number(task_id)
        numbers, attempt_of = self._numbers(n)
        starts: list[tuple[int, int]] = []
        at, last = 0, attempt_of(numbers[-1]) if numbers else 0
        while at < len(numbers):
            attempt = attempt_of(numbers[at])
            starts.append((numbers[at], attempt))
            at = bisect_left(numbers, attempt + 1, lo=at, key=attempt_of) if attempt < last else len(numbers)
        return starts

    def _range(self, n: int, attempt: int | None) -> tuple[int, int]:
        """Numbers around an attempt's lines."""
        if attempt is None:
            return 0, LAST
        numbers, attempt_of = self._numbers(n)
        begin = bisect_left(numbers, attempt, key=attempt_of)
        end = bisect_left(numbers, attempt + 1, lo=begin, key=attempt_of)
        return numbers.start + begin - 1, numbers.start + end

    def _numbers(self, n: int) -> tuple[range, Callable[[int], int]]:
        """The numbers of the lines, and whose each is. An attempt's lines lie together: a search by halves finds them,
        without a scan of the others'."""
        row = self._store.logs.row("SELECT * FROM cursor WHERE task = ?", (n,))
        bounds = _bounds(row) if row else Bounds()

        def attempt_of(seq: int) -> int:
            found = self._store.logs.row("SELECT attempt FROM line WHERE task = ? AND seq = ?", (n, seq))
            return int(found["attempt"]) if found else 0

        return range(bounds.first, bounds.last + 1), attempt_of

    def _between(self, n: int, low: int, high: int, limit: int) -> list[LogLine]:
        rows = self._store.logs.rows(
            "SELECT * FROM line WHERE task = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ?", (n, low, high, limit)
        )
        return [_line(row) for row in rows]

    def _row_number(self, task_id: str) -> int:
        row = self._store.queue.row("SELECT n FROM task WHERE id = ?", (task_id,))
        return int(row["n"]) if row else 0


def _bounds(row: sqlite3.Row) -> Bounds:
    return Bounds(first=row["first"], last=row["seq"], truncated=bool(row["truncated"]))


def _line(row: sqlite3.Row) -> LogLine:
    return LogLine(seq=row["seq"], attempt=row["attempt"], at=row["at"], stream=Stream(row["stream"]), text=row["text"])
