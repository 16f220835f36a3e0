"""The table of tasks: rows are added once and then only their changed cells are touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import DataTable

from pithy_local.text import short_age
from pithy_local.tui import actions, look
from pithy_local.tui.board import Entry

FIXED = {"status": 11, "age": 4}
REPO = (4, 14)
"""The repository column is as wide as its names, within these."""
TITLE_SHARE = 0.6
"""Of the width that is left; the rest says where the task stands."""
NARROWEST = 8


@dataclass(frozen=True, kw_only=True)
class StatusCell:
    """The first cell of a row; it carries the task's id because DataTable sorts by cells."""

    task: str
    text: Text

    def __rich__(self) -> Text:
        return self.text


@dataclass(frozen=True, kw_only=True)
class _Row:
    """What a row shows now: compared with what is wanted, so that a tick costs next to nothing."""

    entry: Entry
    age: str

    def cells(self) -> dict[str, Text | StatusCell]:
        task = self.entry.task
        return {
            "status": StatusCell(task=task.id, text=look.status(task)),
            "repo": look.line(look.repo_name(task.repo)),
            "title": look.line(task.title),
            "now": look.line(look.now(self.entry), look.MUTED),
            "age": self.age_cell(),
        }

    def age_cell(self) -> Text:
        return Text(self.age.rjust(4), end="")


class TaskTable(DataTable[Text | StatusCell], can_focus=True):
    """One row a task, newest first. The cursor stays on its task when others come in above it."""

    BINDINGS = actions.bindings(actions.Place.TASKS)

    class Selected(Message):
        """The cursor is on another task now."""

        def __init__(self, task: str | None) -> None:
            super().__init__()
            self.task = task

    def __init__(self) -> None:
        super().__init__(id="tasks", cursor_type="row", zebra_stripes=False, header_height=1, cell_padding=1)
        self.selected: str | None = None
        self._awaited: str | None = None
        self._rows: dict[str, _Row] = {}

    def on_mount(self) -> None:
        for key, label in (("status", "Status"), ("repo", "Repo"), ("title", "Task"), ("now", "Now"), ("age", "Age")):
            self.add_column(Text(label), key=key, width=FIXED.get(key, NARROWEST))

    def show(self, entries: Sequence[Entry], now_ms: int) -> None:
        """Bring the table up to date with these tasks, newest first."""
        order = {entry.task.id: index for index, entry in enumerate(entries)}
        changed_set = order.keys() != self._rows.keys()
        for gone in self._rows.keys() - order.keys():
            self.remove_row(gone)
            del self._rows[gone]
        for entry in entries:
            self._put(_Row(entry=entry, age=short_age(now_ms - look.since_ms(entry.task))))
        if changed_set:
            self.sort("status", key=lambda cell: order[cell.task])
            self._keep_cursor()
            self._fit()

    def await_task(self, task: str) -> None:
        """Put the cursor on this task, as soon as it is in the table."""
        self._awaited = task
        if task in self._rows:
            self._keep_cursor()

    def on_resize(self, event: events.Resize) -> None:
        self._fit()

    def _fit(self) -> None:
        """Give the flexible columns what the others leave; DataTable measures anew when it is told so."""
        repos = [cell_len(look.repo_name(row.entry.task.repo)) for row in self._rows.values()]
        repo = min(max([REPO[0], *repos]), REPO[1])
        padding = 2 * self.cell_padding * len(self.columns)
        free = max(self.scrollable_content_region.width - padding - repo - sum(FIXED.values()), 2 * NARROWEST)
        title = max(NARROWEST, round(free * TITLE_SHARE))
        widths = FIXED | {"repo": repo, "title": title, "now": free - title}
        if all(column.width == widths[str(column.key.value)] for column in self.columns.values()):
            return
        for column in self.columns.values():
            column.width = widths[str(column.key.value)]
        self._clear_caches()
        self._require_update_dimensions = True
        self.refresh()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        task = event.row_key.value if self.is_valid_row_index(event.cursor_row) else None
        if task is not None and task in self._rows and task != self.selected:
            self.selected = task
            self.post_message(self.Selected(task))

    def _put(self, row: _Row) -> None:
        task_id = row.entry.task.id
        known = self._rows.get(task_id)
        self._rows[task_id] = row
        if known is None:
            self.add_row(*row.cells().values(), key=task_id)
        elif row.entry is not known.entry and row.entry != known.entry:
            for column, cell in row.cells().items():
                self.update_cell(task_id, column, cell)
        elif row.age != known.age:
            self.update_cell(task_id, "age", row.age_cell())

    def _keep_cursor(self) -> None:
        """Put the cursor on the awaited task, else on the one it was on, else on the newest."""
        wanted = self._awaited or self.selected
        if wanted not in self._rows:
            wanted = self.selected if self.selected in self._rows else next(iter(self._rows), None)
        if wanted is not None:
            self.move_cursor(row=self.get_row_index(wanted), scroll=wanted == self._awaited)
        if wanted == self._awaited:
            self._awaited = None
        if wanted != self.selected:  # said here: the cursor may stand on this row already
            self.selected = wanted
            self.post_message(self.Selected(wanted))
