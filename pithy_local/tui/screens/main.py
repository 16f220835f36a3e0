"""The dashboard's one screen: status line, tasks, the selected task, and what can be done here and now."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher, Static

from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.tui import actions, look
from pithy_local.tui.actions import Place
from pithy_local.tui.board import Board
from pithy_local.tui.feed import TICK_SECONDS, Feed
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.records import Draft, Engine, Snapshot
from pithy_local.tui.screens.keys import KeysScreen
from pithy_local.tui.screens.welcome import welcome
from pithy_local.tui.widgets.bars import HintBar, Prompt, TabBar, counted
from pithy_local.tui.widgets.diff import DiffView
from pithy_local.tui.widgets.diff_files import DiffPane
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.page import Page
from pithy_local.tui.widgets.tasks import TaskTable

if TYPE_CHECKING:
    from pithy_local.doctor import Check

WIDTHS: list[tuple[int, str]] | None = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]
SECOND = 1.0
SAID_SECONDS = 15.0
"""How long the supervisor's last word stays in the status line."""


class MainScreen(KeysScreen):
    """Ticks; takes what the feed read; shows which keys do what."""

    BINDINGS = actions.bindings(Place.DASHBOARD, Place.TASK)
    HORIZONTAL_BREAKPOINTS = WIDTHS

    class Said(Message):
        """The supervisor of this process has something to tell."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Checked(Message):
        """The doctor has looked at one thing more; None: at everything."""

        def __init__(self, check: Check | None) -> None:
            super().__init__()
            self.check = check

    def __init__(self, board: Board, keymap: Keymap) -> None:
        super().__init__(board, keymap)
        self._snapshot = Snapshot()
        self._draft = Draft()
        self._second_at = self._said_at = 0.0
        self._said = self._trouble = ""
        self._checks: list[Check] | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="status")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Static(id="columns")
                yield TaskTable()
                with VerticalScroll(id="welcome", can_focus=False):
                    yield Static(id="welcome-text")
            with Vertical(id="right"):
                yield Static(id="header")
                yield TabBar("tabs")
                with ContentSwitcher(initial="log", id="views"):
                    yield LogView()
                    yield DiffPane()
                    yield Page("steps")
                    yield Page("info")
        yield Prompt()
        yield HintBar()
        yield Feed(self.board)

    def on_mount(self) -> None:
        self.query_one(TaskTable).focus()
        self._show_titles()
        try:
            self._take(self.query_one(Feed).first())
        except PithyError as error:
            self._troubled(error)
        self.set_interval(TICK_SECONDS, self._tick)
        self._tick()

    def hear(self, text: str) -> None:
        """The supervisor's narration, from any thread."""
        self.post_message(self.Said(text))

    def _tick(self) -> None:
        feed = self.query_one(Feed)
        feed.look()
        if feed.log_stale or self._details_stale or self.query_one(LogView).window.unscanned:
            self.refresh_view()
        now = time.monotonic()
        if now - self._second_at >= SECOND:
            self._second_at = now
            self.query_one(TaskTable).tick(self.board.app.clock.now_ms())
            self.show_selected()
            self._show_status()

    @property
    def _details_stale(self) -> bool:
        """Whether anything that is looked at may be another by now."""
        return self.tab in ("steps", "info") and self.query_one(Feed).details_stale

    # ---- what was read

    def on_feed_tasks_read(self, event: Feed.TasksRead) -> None:
        self._take(event.snapshot)

    def _take(self, snapshot: Snapshot) -> None:
        self._trouble = ""
        self._snapshot = snapshot
        self.entries = snapshot.entries
        self.by_id = {entry.task.id: entry for entry in self.entries}
        self.set_class(not self.entries, "-empty")
        if not self.entries and self._checks is None:
            self._checks = []
            self._show_welcome()
            threading.Thread(target=self._check, name="doctor", daemon=True).start()
        self.query_one(TaskTable).show(self.entries, self.board.app.clock.now_ms())
        self.refresh_view()
        self._show_status()
        self.show_hints()

    def on_feed_troubled(self, event: Feed.Troubled) -> None:
        self._troubled(event.error)

    def _troubled(self, error: PithyError) -> None:
        self._trouble = f"{error.message}. {error.hint}"
        self._show_status()

    def on_main_screen_said(self, event: Said) -> None:
        self._said, self._said_at = event.text, time.monotonic()
        self._show_status()

    def _check(self) -> None:
        """In the doctor's own thread, which nobody waits for: a check may take half a minute, quitting must not."""
        for check in self.board.checks():
            if not self.post_message(self.Checked(check)):
                return  # the dashboard has ended
        self.post_message(self.Checked(None))

    def on_main_screen_checked(self, event: Checked) -> None:
        if event.check is not None and self._checks is not None:
            self._checks.append(event.check)
        self._show_welcome(running=event.check is not None)

    def _show_welcome(self, *, running: bool = True) -> None:
        self.query_one("#welcome-text", Static).update(welcome(self._checks or (), running=running))

    # ---- tasks

    def on_task_table_arranged(self) -> None:
        self._show_titles()
        self.show_hints()

    def on_task_table_older_wanted(self) -> None:
        if self._snapshot.more:
            self.query_one(Feed).older()

    def on_task_table_opened(self) -> None:
        """On a narrow terminal the task takes all of it."""
        if self.has_class("-narrow"):
            self.add_class("-zoomed")
        self.view.focus()

    def on_task_table_filter_wanted(self) -> None:
        text = self.query_one(TaskTable).list.filter_text
        self.query_one(Prompt).ask("tasks", "Filter", text, "status:failed,review repo:api !word")

    def on_task_table_selected(self, event: TaskTable.Selected) -> None:
        self.show_hints()  # Textual calls the handler of the class above by itself

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        log, table = self.query_one(LogView), self.query_one(TaskTable)
        if event.purpose == "tasks":
            table.filter(event.text)
        elif event.final and event.purpose == "search":
            log.search(event.text)
        elif event.final and event.purpose == "only":
            log.show_only(event.text)
            self.refresh_view()
        elif event.final and event.purpose == "find":
            self.query_one(DiffView).search(event.text)
        elif event.final and event.purpose == "save-diff" and event.text.strip():
            self.save_diff(self.query_one(DiffView).shown_task, event.text.strip())
        elif event.final and event.purpose == "save" and log.window.task is not None and event.text.strip():
            self.save_log(log.window.task, event.text.strip())
        if event.final:
            (table if event.purpose == "tasks" else self.view).focus()

    def on_prompt_given_up(self, event: Prompt.GivenUp) -> None:
        if event.purpose == "tasks":
            self.query_one(TaskTable).filter(event.before)
        (self.query_one(TaskTable) if event.purpose == "tasks" else self.view).focus()

    def _leave_view(self) -> None:
        self.remove_class("-zoomed")
        self.query_one(TaskTable).focus()

    on_log_view_left = on_diff_view_left = on_page_left = _leave_view

    # ---- actions

    def write_task(self, draft: Draft | None = None) -> None:
        from pithy_local.tui.screens.new_task import NewTaskScreen  # no dialog delays the first frame

        recent = [entry.task for entry in self.entries]
        self.app.push_screen(NewTaskScreen(self.board, draft or self._draft, recent), self._written)

    def _written(self, closed: tuple[Task | None, Draft] | None) -> None:
        task, self._draft = closed or (None, self._draft)
        if task is not None:
            self.tell(f"{task.id} is queued")
            self.query_one(TaskTable).await_task(task.id)

    def action_new(self) -> None:
        self.write_task()

    def action_stats(self) -> None:
        from pithy_local.tui.screens.stats import StatsScreen

        self.app.push_screen(StatsScreen(self.board))

    def action_switch_pane(self) -> None:
        if self.query_one(TaskTable).has_focus:
            self.view.focus()
        else:
            self._leave_view()

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")
        (self.view if self.has_class("-zoomed") else self.query_one(TaskTable)).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed into the line at the bottom, its keys are text."""
        return not self.query(Prompt).first(Prompt).is_open if self.is_mounted else True

    # ---- showing

    def _show_titles(self) -> None:
        tasks = self.query_one(TaskTable).list
        words = [f"/{tasks.filter_text}"] if tasks.filter_text else []
        title = counted("Tasks", " ".join(words))
        left = self.query_one("#left", Vertical)
        if self.changed("tasks-title", title):
            left.border_title = title
        parts = [f"{len(tasks.marked)} marked"] if tasks.marked else []
        parts += [f"{len(tasks.rows)} of {tasks.loaded}"] if tasks.filter_text else []
        parts += [f"by {tasks.sort}"] if tasks.sort != "newest" else []
        if self.changed("tasks-subtitle", parts):
            left.border_subtitle = Content(f" {' · '.join(parts)} " if parts else "")

    def _show_status(self) -> None:
        engine = self.board.engine() if not self._trouble else Engine(label="store", problem=self._trouble)
        said = self._said if time.monotonic() - self._said_at < SAID_SECONDS else ""
        status = look.status_line(self._snapshot, engine, said)
        if self.changed("status", status):
            self.query_one("#status", Static).update(status, layout=False)
