"""Where a text stands in a task's log: a scan in short steps, so that no reader holds the log for long."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pithy_local.store.database import Store

STEP = 50_000
"""Lines looked at between two looks at whether anybody still wants to know."""


@dataclass(frozen=True, kw_only=True)
class Needle:
    """A text to look for. Capitals count only where it has some (as ripgrep's and vim's smart case)."""

    text: str

    @property
    def exact(self) -> bool:
        return self.text != self.text.lower()


def find(
    store: Store, task_id: str, needles: Sequence[Needle], *, start: int, end: int, backwards: bool = False,
    wanted: Callable[[], bool] = lambda: True,
) -> int | None:  # fmt: skip
    """The seq of the first line from `start` to `end` (both included) with every needle in it; the last `backwards`.

    None where there is none, and as soon as `wanted` says no.
    """
    for low, high in _steps(start, end, backwards):
        if not wanted():
            return None
        rows = _matching(store, task_id, needles, low, high, order="DESC LIMIT 1" if backwards else "LIMIT 1")
        if rows:
            return rows[0]
    return None


def matching(
    store: Store, task_id: str, needles: Sequence[Needle], *, start: int, end: int,
    wanted: Callable[[], bool] = lambda: True,
) -> array[int]:  # fmt: skip
    """The seqs of all lines from `start` to `end` (both included) with every needle in them, eight bytes each."""
    found = array("Q")
    for low, high in _steps(start, end, backwards=False):
        if not wanted():
            break
        found.extend(_matching(store, task_id, needles, low, high))
    return found


def _steps(start: int, end: int, backwards: bool) -> list[tuple[int, int]]:
    steps = [(low, min(low + STEP - 1, end)) for low in range(start, end + 1, STEP)]
    return steps[::-1] if backwards else steps


def _matching(store: Store, task_id: str, needles: Sequence[Needle], low: int, high: int, order: str = "") -> list[int]:
    task = store.queue.row("SELECT n FROM task WHERE id = ?", (task_id,))
    tests = " AND ".join(f"instr({'text' if needle.exact else 'lower(text)'}, ?)" for needle in needles) or "1"
    rows = store.logs.rows(
        f"SELECT seq FROM line WHERE task = ? AND seq BETWEEN ? AND ? AND {tests} ORDER BY seq {order}",
        (task["n"] if task else 0, low, high, *(needle.text for needle in needles)),
    )
    return [int(row["seq"]) for row in rows]
