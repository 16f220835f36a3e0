"""The dashboard's one screen: status line, tasks, and the selected task with its live log."""

from __future__ import annotations

import functools
import time

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from pithy_local.clock import Clock
from pithy_local.errors import PithyError
from pithy_local.models import Status, Task
from pithy_local.text import clip, safe_line
from pithy_local.tui import actions, look
from pithy_local.tui.board import Board, Draft, Engine, Entry, LogPart, Snapshot
from pithy_local.tui.screens.confirm import ConfirmScreen, Question
from pithy_local.tui.screens.new_task import NewTaskScreen
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.tasks import TaskTable

WIDTHS: list[tuple[int, str]] | None = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]
TICK_SECONDS = 0.05
TASKS_SECONDS = 0.25
"""How often the whole table is read at most while logs pour in; the log itself is read at each tick."""
AGES_SECONDS = 1.0

RECENT = 10
"""Repositories that the dialog for a new task offers."""

WELCOME = """\
Type a task, get a pull request.

There is no task yet. Press n and say which repository and what should change: an AI agent does it in a throw-away \
sandbox on this machine and pushes a branch for you to look at.

? shows every key. `pithy-local doctor` checks this machine, `pithy-local demo` shows it all without a key."""


class MainScreen(Screen[None]):
    """Polls the board; reads in threads; only the handlers below touch widgets."""

    BINDINGS = actions.bindings(actions.Place.DASHBOARD)
    HORIZONTAL_BREAKPOINTS = WIDTHS

    class TasksRead(Message):
        def __init__(self, snapshot: Snapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

    class LogRead(Message):
        def __init__(self, part: LogPart) -> None:
            super().__init__()
            self.part = part

    class PageRead(LogRead):
        """An older page, asked for by the view."""

    class ReadFailed(Message):
        """The database did not answer; what is shown stays, and the next tick tries again."""

        def __init__(self, what: str, error: PithyError) -> None:
            super().__init__()
            self.what, self.error = what, error

    class Cancelled(Message):
        def __init__(self, task: Task | None, error: PithyError | None) -> None:
            super().__init__()
            self.task, self.error = task, error

    class Said(Message):
        """The supervisor of this process has something to tell."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, board: Board, clock: Clock) -> None:
        super().__init__()
        self._board, self._clock = board, clock
        self._snapshot = Snapshot()
        self._entries: dict[str, Entry] = {}
        self._draft = Draft()
        self._token: tuple[int, int] | None = None
        self._tasks_stale = self._log_stale = True
        self._reading: set[str] = set()
        self._tasks_at = self._ages_at = 0.0
        self._shown: dict[str, object] = {}
        self._said = ""
        self._trouble = ""

    def compose(self) -> ComposeResult:
        yield Static(id="status")
        with Horizontal(id="panes"):
            with Vertical(id="left") as left:
                left.border_title = Content("Tasks")
                yield TaskTable()
                yield Static(Content(WELCOME), id="welcome")
            with Vertical(id="right"):
                yield Static(id="header")
                yield LogView()
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(TaskTable).focus()
        self._board.say = self._hear
        self.set_interval(TICK_SECONDS, self._tick)
        self._tick()

    def _hear(self, text: str) -> None:
        """Called from the supervisor's threads."""
        self.post_message(self.Said(text))

    def on_unmount(self) -> None:
        self._board.say = lambda text: None

    # ---- reading: at most one reader of a kind, in a thread; the token is taken before the data

    def _tick(self) -> None:
        now = time.monotonic()
        try:
            token = self._board.token()
        except PithyError as error:
            self._show_trouble(error)
            return
        if token != self._token:
            self._token = token
            self._tasks_stale = self._log_stale = True
        if self._tasks_stale and now - self._tasks_at >= TASKS_SECONDS and "tasks" not in self._reading:
            self._tasks_stale, self._tasks_at = False, now
            self._reading.add("tasks")
            self._read_tasks()
        self._read_log_if_stale()
        if now - self._ages_at >= AGES_SECONDS:
            self._ages_at = now
            self._show_tasks()

    def _read_log_if_stale(self) -> None:
        log = self.query_one(LogView)
        if log.shown is not None and self._log_stale and "log" not in self._reading:
            self._log_stale = False
            self._reading.add("log")
            self._read_log(log.shown, newest=log.stale_pages())

    @work(thread=True, group="tasks")
    def _read_tasks(self) -> None:
        try:
            self.post_message(self.TasksRead(self._board.snapshot()))
        except PithyError as error:
            self.post_message(self.ReadFailed("tasks", error))

    @work(thread=True, group="log")
    def _read_log(self, task_id: str, newest: int) -> None:
        try:
            self.post_message(self.LogRead(self._board.log(task_id, newest=newest)))
        except PithyError as error:
            self.post_message(self.ReadFailed("log", error))

    @work(thread=True, group="page")
    def _read_page(self, task_id: str, page: int) -> None:
        try:
            self.post_message(self.PageRead(self._board.log(task_id, (page,))))
        except PithyError as error:
            self.post_message(self.ReadFailed("page", error))

    # ---- handlers

    def on_main_screen_tasks_read(self, event: TasksRead) -> None:
        self._reading.discard("tasks")
        self._trouble = ""
        self._snapshot = event.snapshot
        self._entries = {entry.task.id: entry for entry in event.snapshot.entries}
        self.set_class(not self._entries, "-empty")
        self._show_tasks()

    def on_main_screen_log_read(self, event: LogRead) -> None:
        self._reading.discard("log")
        self.query_one(LogView).take(event.part)
        self._read_log_if_stale()

    def on_main_screen_page_read(self, event: PageRead) -> None:
        self.query_one(LogView).take(event.part)

    def on_main_screen_read_failed(self, event: ReadFailed) -> None:
        self._reading.discard(event.what)
        self._tasks_stale = self._log_stale = True
        self._show_trouble(event.error)

    def on_main_screen_said(self, event: Said) -> None:
        self._said = event.text
        self._show_status()

    def on_main_screen_cancelled(self, event: Cancelled) -> None:
        if event.error is not None:
            self._notify(f"{event.error.message}. {event.error.hint}", "error")
        elif event.task is not None:
            done = event.task.status is Status.CANCELLED
            self._notify(f"{event.task.id} is cancelled" if done else f"{event.task.id} is being cancelled")

    def on_task_table_selected(self, event: TaskTable.Selected) -> None:
        self._select(event.task)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.query_one(LogView).focus()

    def on_log_view_badge_changed(self) -> None:
        self.query_one("#right", Vertical).border_subtitle = self.query_one(LogView).badge

    def on_log_view_left(self) -> None:
        self.query_one(TaskTable).focus()

    def on_log_view_page_wanted(self, event: LogView.PageWanted) -> None:
        self._read_page(event.task, event.page)

    # ---- actions

    def action_new(self) -> None:
        recent = list(dict.fromkeys(entry.task.repo for entry in self._snapshot.entries))[:RECENT]
        screen = NewTaskScreen(self._board, self._draft, recent)
        self.app.push_screen(screen, self._written)

    def _written(self, closed: tuple[Task | None, Draft] | None) -> None:
        task, self._draft = closed or (None, self._draft)
        if task is not None:
            self._notify(f"{task.id} is queued")
            self.query_one(TaskTable).await_task(task.id)

    def action_cancel(self) -> None:
        entry = self._selected
        if entry is None:
            return
        task = entry.task
        if task.status.settled:
            self._notify(f"Nothing to cancel: the task is {look.STATUS[task.status].word}", "warning")
        elif task.cancel_requested:
            self._notify("It is being cancelled already", "warning")
        else:
            self.app.push_screen(ConfirmScreen(cancel_question(task)), functools.partial(self._cancel_if, task.id))

    def _cancel_if(self, task_id: str, yes: bool | None) -> None:
        if yes:
            self._cancel(task_id)

    @work(thread=True, group="cancel")
    def _cancel(self, task_id: str) -> None:
        try:
            self.post_message(self.Cancelled(self._board.cancel(task_id), None))
        except PithyError as error:
            self.post_message(self.Cancelled(None, error))

    def action_follow(self) -> None:
        self.query_one(LogView).follow()

    def action_switch_pane(self) -> None:
        log, table = self.query_one(LogView), self.query_one(TaskTable)
        (table if log.has_focus else log).focus()

    # ---- showing

    @property
    def _selected(self) -> Entry | None:
        return self._entries.get(self.query_one(TaskTable).selected or "")

    def _select(self, task_id: str | None) -> None:
        self.query_one(LogView).show(task_id)
        self._log_stale = True
        self._read_log_if_stale()
        self._show_selected()

    def _show_tasks(self) -> None:
        self.query_one(TaskTable).show(self._snapshot.entries, self._clock.now_ms())
        self._show_selected()
        self._show_status()

    def _show_selected(self) -> None:
        entry = self._selected
        if entry is None:
            return
        task = entry.task
        title = Content(f"{task.id}  {look.line(task.title).plain}")
        if self._changed("title", title):
            self.query_one("#right", Vertical).border_title = title
        header = look.header(entry, self._clock.now_ms())
        if self._changed("header", header):
            self.query_one("#header", Static).update(header)

    def _show_status(self) -> None:
        engine = self._board.engine() if not self._trouble else Engine(label="store", problem=self._trouble)
        status = look.status_line(self._snapshot.overview, engine, self._said)
        if self._changed("status", status):
            self.query_one("#status", Static).update(status, layout=False)

    def _changed(self, where: str, what: object) -> bool:
        """Whether this is something else than what was shown there: an update paints and lays out anew."""
        changed = self._shown.get(where) != what
        self._shown[where] = what
        return changed

    def _show_trouble(self, error: PithyError) -> None:
        self._trouble = f"{error.message}. {error.hint}"
        self._show_status()

    def _notify(self, text: str, severity: SeverityLevel = "information") -> None:
        self.app.notify(safe_line(text), severity=severity, markup=False)


def cancel_question(task: Task) -> Question:
    """What a cancel does to this task, in the words of the dialog."""
    if task.status is Status.QUEUED:
        what = "It has not started: it leaves the queue, and nothing was spent."
    else:
        what = "Its attempt is stopped and the sandbox removed. The log is kept; nothing is pushed from here on."
    what = f"{clip(look.line(task.title).plain, 120)}\n\n{what}"
    return Question(title=f"Cancel task {task.id}?", what_happens=what, yes="Cancel the task", no="Keep it")
