"""The table of tasks: drawn row by row from the list as it is now, so that nothing is ever rebuilt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.widgets import Static

from pithy_local.text import short_age
from pithy_local.tui import actions, look
from pithy_local.tui.models.tasklist import TaskList
from pithy_local.tui.records import Entry
from pithy_local.tui.widgets.lines import LineView

STATUS, AGE, COST = 11, 4, 6
REPO = (4, 10, 14)
"""The repository column is as wide as its names: at least, at most, and at most in a broad table."""
WITH_COST, BROAD = 60, 76
TITLE, NOW = 28, 12
"""Titles are what people look for: where a task stands has room only beside titles of this width."""
TITLE_SHARE = 0.62
"""Of the width that is left then."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """How wide each column is; 0: there is no room for it."""

    repo: int
    title: int
    now: int
    cost: int

    @classmethod
    def fit(cls, width: int, entries: Sequence[Entry]) -> Columns:
        """For a table of this width."""
        names = max([0, *(cell_len(look.repo_name(entry.task.repo)) for entry in entries)])
        repo = min(max(REPO[0], names), REPO[2 if width >= BROAD else 1])
        spent = width >= WITH_COST and any(look.cost(entry.task.usage) for entry in entries)
        cost = COST if spent else 0
        free = max(8, width - 1 - (STATUS + 1) - (repo + 1) - (AGE + 1) - (cost + 1 if cost else 0))
        if free < TITLE + 1 + NOW:
            return cls(repo=repo, title=free, now=0, cost=cost)
        title = max(TITLE, round(free * TITLE_SHARE))
        return cls(repo=repo, title=title, now=free - title - 1, cost=cost)

    def head(self) -> Text:
        cells = [("  Status", STATUS + 1), ("Repo", self.repo), ("Task", self.title), ("Now", self.now)]
        cells += [("Age".rjust(AGE), AGE), ("Cost".rjust(self.cost), self.cost)]
        words = " ".join(word.ljust(width) for word, width in cells if width)
        return Text(words, look.MUTED, no_wrap=True, end="")

    def row(self, entry: Entry, now_ms: int, *, marked: bool) -> Text:
        task = entry.task
        age = short_age(now_ms - look.since_ms(task)).rjust(AGE)
        cells = [
            (look.status(task), STATUS), (look.line(look.repo_name(task.repo)), self.repo),
            (look.line(task.title), self.title), (look.line(look.now(entry), look.MUTED), self.now),
            (Text(age), AGE), (Text(look.cost(task.usage).rjust(self.cost)), self.cost),
        ]  # fmt: skip
        shown = look.piece("▌" if marked else " ", look.MARK)
        for cell, width in cells:
            if width:
                cell.truncate(width, overflow="ellipsis", pad=True)
                shown.append_text(cell).append(" ")
        shown.right_crop(1)
        return shown


class TaskTable(LineView):
    """One row a task. The cursor stays on its task when others come in above it or the order changes."""

    BINDINGS = actions.bindings(actions.Place.TASKS)

    class Selected(Message):
        """The cursor is on another task now."""

        def __init__(self, task: str | None) -> None:
            super().__init__()
            self.task = task

    class Opened(Message):
        """The user wants to look into the selected task."""

    class Arranged(Message):
        """Filter, order or marks are others now."""

    class OlderWanted(Message):
        """The cursor has come to the last task that is loaded."""

    def __init__(self) -> None:
        super().__init__(id="tasks")
        self.list = TaskList()
        self.selected: str | None = None
        self._awaited: str | None = None
        self._now_ms = 0
        self._columns = Columns(repo=8, title=20, now=0, cost=0)

    @property
    def rows(self) -> int:
        return len(self.list.rows)

    @property
    def entry(self) -> Entry | None:
        """The task under the cursor."""
        return self.list.rows[self.cursor] if self.cursor < self.rows else None

    @property
    def chosen(self) -> list[Entry]:
        """What an action takes: the marked tasks that are shown, else the one under the cursor."""
        marked = self.list.shown_marks
        return marked or ([self.entry] if self.entry is not None else [])

    def show(self, entries: Sequence[Entry], now_ms: int) -> None:
        """Bring the table up to date with these tasks, newest first."""
        self._now_ms = now_ms
        self.list.take(entries)
        self._rearranged()

    def tick(self, now_ms: int) -> None:
        """Time went on: only rows whose age is another one now are drawn again."""
        before, self._now_ms = self._now_ms, now_ms
        top = self.scroll_offset.y
        for y, entry in enumerate(self.list.rows[top : top + self.view_height]):
            since = look.since_ms(entry.task)
            if short_age(now_ms - since) != short_age(before - since):
                self.refresh(Region(0, y, self.size.width, 1))

    def await_task(self, task: str) -> None:
        """Put the cursor on this task, as soon as it is in the table."""
        self._awaited = task
        self._rearranged()

    def filter(self, text: str, prefer: str | None = None) -> None:
        """Show what passes this filter, with the cursor on the task `prefer` if that is shown."""
        self.list.filter(text)
        self._rearranged(prefer)

    def unmark(self, tasks: Iterable[str]) -> None:
        """These were dealt with."""
        self.list.marked -= set(tasks)
        self.refresh()
        self.post_message(self.Arranged())

    def on_resize(self, event: events.Resize) -> None:
        self._fit()
        self.show_row(self.cursor)

    def _rearranged(self, prefer: str | None = None) -> None:
        """The rows are others: find the awaited task again, else the preferred one, else the one the cursor was on,
        else take the nearest."""
        wanted = self.list.row_of(self._awaited)
        if wanted is not None:
            self._awaited = None
        else:
            wanted = self.list.row_of(prefer)
        row = wanted if wanted is not None else self.list.row_of(self.selected)
        screen_row = self.cursor - self.scroll_offset.y
        self.resize_to(0)
        self._fit()
        if row is not None and row != self.cursor:
            self.cursor = row
            if wanted is None:
                self.jump(row - screen_row)  # it stays at its place on the screen while others come in above
        if wanted is not None:
            self.show_row(wanted)
        self._tell_selected()
        self.post_message(self.Arranged())

    def _fit(self) -> None:
        columns = Columns.fit(self.scrollable_content_region.width, self.list.rows)
        if columns != self._columns:
            self._columns = columns
            self.refresh()
        for head in self.screen.query("#columns").results(Static):
            head.update(columns.head(), layout=False)

    def _tell_selected(self) -> None:
        task = self.entry.task.id if self.entry else None
        if task != self.selected:
            self.selected = task
            self.post_message(self.Selected(task))

    def go(self, row: int, *, center: bool = False) -> None:
        self._awaited = None  # the user is elsewhere by now
        super().go(row, center=center)
        self._tell_selected()
        if self.cursor >= self.rows - 1:
            self.post_message(self.OlderWanted())

    def draw(self, row: int, width: int) -> Text | None:
        entry = self.list.rows[row]
        return self._columns.row(entry, self._now_ms, marked=entry.task.id in self.list.marked)

    def background_of(self, row: int) -> Style:
        if row == self.cursor and not self.has_focus:
            return self.get_component_rich_style("lines--marked", partial=True)
        return super().background_of(row)

    # ---- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.list.marked or self.list.filter_text) if action == "clear" else True

    def action_open(self) -> None:
        if self.entry is not None:
            self.post_message(self.Opened())

    def on_open(self) -> None:
        self.action_open()

    def action_mark(self) -> None:
        if self.entry is not None:
            self.list.toggle_mark(self.entry.task.id)
            self.refresh_row(self.cursor)  # the last one stays where it is
            self.go(self.cursor + 1)
            self.post_message(self.Arranged())

    def action_mark_all(self) -> None:
        self.list.toggle_all()
        self.refresh()
        self.post_message(self.Arranged())

    def action_sort(self) -> None:
        self.list.next_sort()
        self._rearranged()

    def action_clear(self) -> None:
        if self.list.marked:
            self.list.marked.clear()
            self.refresh()
            self.post_message(self.Arranged())
        else:
            self.filter("")
