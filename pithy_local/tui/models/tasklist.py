"""The tasks as the table shows them: filtered, sorted, some of them marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pithy_local.models import Status
from pithy_local.tui.models import filters
from pithy_local.tui.records import Entry

_NEEDS_YOU_FIRST = (
    Status.NEEDS_CLARIFICATION, Status.NEEDS_REVIEW, Status.RUNNING, Status.FAILED, Status.QUEUED, Status.COMPLETED,
    Status.CANCELLED,
)  # fmt: skip

SORTS: dict[str, Callable[[Entry], Any]] = {
    "newest": lambda entry: 0,
    "state": lambda entry: _NEEDS_YOU_FIRST.index(entry.task.status),
    "repository": lambda entry: entry.task.repo.lower(),
    "cost": lambda entry: -(entry.task.usage.cost_usd or 0.0),
}
"""Each is stable: equal ones stay in the order they came, newest first."""


class TaskList:
    """`rows` is what is on the screen; everything else decides about it."""

    def __init__(self) -> None:
        self.rows: list[Entry] = []
        self.filter_text = ""
        self.problem = ""
        """What in the filter cannot be meant so."""
        self.sort = "newest"
        self.marked: set[str] = set()
        self._entries: Sequence[Entry] = ()
        self._index: dict[str, int] = {}

    @property
    def loaded(self) -> int:
        """How many tasks there are without the filter."""
        return len(self._entries)

    @property
    def shown_marks(self) -> list[Entry]:
        """The marked tasks that are on the screen: nothing is done to one that the filter hides."""
        return [entry for entry in self.rows if entry.task.id in self.marked] if self.marked else []

    def take(self, entries: Sequence[Entry]) -> None:
        """The tasks as they are now, newest first. Marks of those that are gone go, too."""
        self._entries = entries
        self.marked &= {entry.task.id for entry in entries}
        self._arrange()

    def filter(self, text: str) -> None:
        self.filter_text, self.problem = text, filters.problem(text)
        self._arrange()

    def next_sort(self) -> str:
        """The name of the order that holds now."""
        names = list(SORTS)
        self.sort = names[(names.index(self.sort) + 1) % len(names)]
        self._arrange()
        return self.sort

    def toggle_mark(self, task_id: str) -> None:
        self.marked ^= {task_id}

    def toggle_all(self) -> None:
        """Mark everything that is shown; nothing if it was so already."""
        shown = {entry.task.id for entry in self.rows}
        self.marked = set() if shown <= self.marked else self.marked | shown

    def row_of(self, task_id: str | None) -> int | None:
        """Where this task stands; None when it is not shown."""
        return self._index.get(task_id or "")

    def _arrange(self) -> None:
        terms = filters.parse(self.filter_text)
        kept = [entry for entry in self._entries if filters.passes(entry.task, terms)]
        self.rows = sorted(kept, key=SORTS[self.sort])
        self._index = {entry.task.id: row for row, entry in enumerate(self.rows)}
