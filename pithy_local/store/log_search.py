"""Where a text stands in a task's log: a scan in short steps, so that no reader holds the log for long."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pithy_local.store.database import Store
from pithy_local.store.log_errors import ErrorWords
from pithy_local.text import last_segment, safe

STEP = 50_000
"""Lines looked at between two looks at whether anybody still wants to know."""

_NOT_AS_WRITTEN = """(length(CAST(text AS BLOB)) <> length(text) OR instr(text, char(27)) OR instr(text, char(13))
                      OR instr(text, char(9)))"""
"""Lines that are shown otherwise than they were written, or have letters whose capitals SQLite does not know."""
_SGR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, kw_only=True)
class Needle:
    """A text to look for, in lines as they are shown: without colours, tabs as spaces, progress bars as they were last.

    Capitals count only where it has some (as ripgrep's and vim's smart case).
    """

    text: str

    @property
    def exact(self) -> bool:
        return self.text != self.text.lower()

    @property
    def test(self) -> tuple[str, list[str]]:
        """SQL that asks a line's `text`, and its parameters; it may ask `shows(text)`."""
        written = f"instr({'text' if self.exact else 'lower(text)'}, ?)"
        return f"CASE WHEN {_NOT_AS_WRITTEN} THEN shows(text) ELSE {written} END", [self.text]

    def spots(self, shown: str, start: int = 0) -> Iterator[tuple[int, int]]:
        """Where it stands in this text, from character `start` on: begin and end of each place."""
        return (found.span() for found in _pattern(self).finditer(shown, start))

    def is_in(self, shown: str) -> bool:
        """Whether it stands anywhere in this text."""
        return _pattern(self).search(shown) is not None


Sought = Needle | ErrorWords
"""What a line may be looked for by."""


@lru_cache(maxsize=16)
def _pattern(needle: Needle) -> re.Pattern[str]:
    return re.compile(re.escape(needle.text), 0 if needle.exact else re.IGNORECASE)


def find(
    store: Store, task_id: str, needles: Sequence[Sought], *, start: int, end: int, backwards: bool = False,
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
    store: Store, task_id: str, needles: Sequence[Sought], *, start: int, end: int
) -> Iterator[tuple[int, array[int]]]:
    """The seqs of all lines from `start` to `end` (both included) with every needle in them, eight bytes each.

    They come step by step: the line up to which was looked, and what was found since the step before.
    """
    for low, high in _steps(start, end, backwards=False):
        yield high, array("Q", _matching(store, task_id, needles, low, high))


def _steps(start: int, end: int, backwards: bool) -> list[tuple[int, int]]:
    steps = [(low, min(low + STEP - 1, end)) for low in range(start, end + 1, STEP)]
    return steps[::-1] if backwards else steps


def _matching(store: Store, task_id: str, needles: Sequence[Sought], low: int, high: int, order: str = "") -> list[int]:
    task = store.queue.row("SELECT n FROM task WHERE id = ?", (task_id,))
    tests = [needle.test for needle in needles]
    store.logs.teach("shows", lambda text: _shows(text, needles))
    rows = store.logs.rows(
        f"""SELECT seq FROM line WHERE task = ? AND seq BETWEEN ? AND ?
            AND {" AND ".join(test for test, _ in tests)} ORDER BY seq {order}""",
        (task["n"] if task else 0, low, high, *(value for _, values in tests for value in values)),
    )
    return [int(row["seq"]) for row in rows]


def _shows(text: str, needles: Sequence[Sought]) -> bool:
    """Whether every needle stands in a line as it is shown."""
    shown = last_segment(text)
    bare = _SGR.sub("", shown)  # a program's colours are mostly all there is: three times as quick as `safe`
    shown = bare if bare.isascii() and bare.isprintable() else safe(shown)
    return all(needle.is_in(shown) for needle in needles)
