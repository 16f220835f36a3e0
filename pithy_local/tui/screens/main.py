"""The dashboard's one screen: status line, tasks, the selected task, and what can be done here and now."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher, Static

from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.tui import actions, look
from pithy_local.tui.actions import Place
from pithy_local.tui.board import Board
from pithy_local.tui.feed import TASKS_AT_ONCE, TICK_SECONDS, Feed
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models.hints import in_here, told
from pithy_local.tui.models.welcome import welcome
from pithy_local.tui.records import Draft, Engine, Snapshot
from pithy_local.tui.screens.keys import KeysScreen
from pithy_local.tui.widgets.bars import HintBar, Prompt, TabBar, counted
from pithy_local.tui.widgets.checkup import Checkup
from pithy_local.tui.widgets.diff_files import DiffPane
from pithy_local.tui.widgets.header import Header
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.page import Page
from pithy_local.tui.widgets.tasks import TaskTable

WIDTHS: list[tuple[int, str]] = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]
HEIGHTS: list[tuple[int, str]] = [(0, "-tiny"), (16, "-high")]
"""On a narrow and tiny terminal tasks and the selected one take turns."""
MOST_FILTERED = 20_000
"""Tasks that a filter looks through by itself; the subtitle then says that there are more."""
SECOND = 1.0
SAID_SECONDS = 15.0
"""How long the supervisor's last word stays in the status line."""


class MainScreen(KeysScreen):
    """Ticks; takes what the feed read; shows which keys do what."""

    BINDINGS = actions.bindings(Place.DASHBOARD, Place.TASK)
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = WIDTHS
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = HEIGHTS

    class Said(Message):
        """The supervisor of this process has something to tell."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, board: Board, keymap: Keymap) -> None:
        super().__init__(board, keymap)
        self._snapshot = Snapshot()
        self._empty: bool | None = None
        """Whether there is no task at all; None: not known yet."""
        self._drafts: dict[str, Draft] = {}
        """What was written and not sent: as a new task (""), and as one like the task with this id."""
        self._second_at = self._said_at = 0.0
        self._said = self._trouble = ""
        self._troubles: set[str] = set()

    def compose(self) -> ComposeResult:
        # Textual would say so at the first resize and style every widget a second time, before the first frame
        self.add_class(_class_for(self.app.size.width, WIDTHS), _class_for(self.app.size.height, HEIGHTS))
        yield Static(id="status")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Static(id="columns")
                yield TaskTable()
                yield Checkup("welcome", self.board, welcome, self.keymap.key)
            with Vertical(id="right"):
                yield Header(self.keymap)
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
        self._show_titles()
        self.changed("engine", "")
        try:
            with self.board.in_words():
                snapshot = self.query_one(Feed).first()
        except PithyError as error:
            self._troubled(error)
        else:
            self._take(snapshot)
        tick = partial(self._tick, self.query_one(Feed), self.query_one(LogView))  # looked for once, not at each tick
        self.set_interval(TICK_SECONDS, tick)
        tick()

    def hear(self, text: str) -> None:
        """The supervisor's narration, from any thread."""
        self.post_message(self.Said(text))

    def _tick(self, feed: Feed, log: LogView) -> None:
        feed.look()
        if feed.log_stale or self._details_stale or log.window.unscanned:
            self.refresh_view()
        now = time.monotonic()
        if now - self._second_at >= SECOND:
            self._second_at = now
            self.query_one(TaskTable).tick(self.board.app.clock.now_ms())
            self.show_selected()
            self.show_details()
            if (moved := self._home_problem()) is not None:
                self._troubled(moved)
            self._show_status()

    def _home_problem(self) -> PithyError | None:
        try:
            self.board.check_home()
        except PithyError as error:
            return error
        return None

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
        self._show_first_run(empty=not self.entries)
        self.query_one(TaskTable).show(self.entries, self.board.app.clock.now_ms())
        self.refresh_view()
        self._show_status()
        self.show_hints()

    def _show_first_run(self, *, empty: bool) -> None:
        """Without a task the welcome takes the whole screen, and the keys."""
        if empty == self._empty:
            return
        self._empty = empty
        self.set_class(empty, "-empty")
        self.remove_class("-zoomed")
        welcome = self.query_one(Checkup)
        self.set_focus(welcome if empty else self.query_one(TaskTable))
        if empty:
            welcome.look()

    def on_feed_troubled(self, event: Feed.Troubled) -> None:
        self._troubled(event.error)

    def _troubled(self, error: PithyError) -> None:
        """In the status line as long as it lasts; told once, since that line may be too short for it."""
        error = self._home_problem() or error  # the cause of all others
        self._trouble = told(error, self.keymap)
        if self._trouble not in self._troubles:
            self._troubles.add(self._trouble)
            self.complain(error)
        self._show_status()

    def on_main_screen_said(self, event: Said) -> None:
        self._said, self._said_at = event.text, time.monotonic()
        self._show_status()

    # ---- tasks

    def on_task_table_arranged(self) -> None:
        self._show_titles()
        self.show_hints()
        table = self.query_one(TaskTable)
        needed = table.list.filter_text or table.list.marked or table.list.sort != "newest"
        if not needed and table.cursor < TASKS_AT_ONCE - 1:  # the last one has asked for older ones
            self.query_one(Feed).newest()
        elif table.rows < table.view_height and table.list.loaded < MOST_FILTERED:
            self.on_task_table_older_wanted()  # what the filter looks for may be among those that are not loaded

    def on_task_table_older_wanted(self) -> None:
        if self._snapshot.more:
            self.query_one(Feed).older()

    def on_task_table_opened(self) -> None:
        """On a narrow terminal the task takes all of it."""
        self._go_to_view(zoomed=self.has_class("-narrow"))

    def _go_to_view(self, *, zoomed: bool) -> None:
        if zoomed:
            self.add_class("-zoomed")
        self.set_focus(self.view)

    def on_task_table_selected(self, event: TaskTable.Selected) -> None:
        self.show_hints()  # Textual calls the handler of the class above by itself

    def _leave_view(self) -> None:
        self.remove_class("-zoomed")
        self.set_focus(self.query_one(TaskTable))

    on_log_view_left = on_diff_view_left = on_page_left = _leave_view

    # ---- actions

    def write_task(self, like: Task | None = None, prompt: str = "") -> None:
        from pithy_local.tui.drafts import draft_of  # no dialog delays the first frame
        from pithy_local.tui.screens.new_task import NewTaskScreen

        key, title = ("", "New task") if like is None else (like.id, f"New task like {like.id}")
        fresh = Draft() if like is None else draft_of(like)
        draft = replace(fresh, prompt=prompt) if prompt else self._drafts.get(key, fresh)

        def written(closed: tuple[Task | None, Draft] | None) -> None:
            task, kept = closed or (None, draft)
            self._drafts.pop(key, None)
            if kept != fresh and (task is None or like is None):
                self._drafts[key] = kept
            if task is not None:
                queued(task)

        def queued(task: Task) -> None:
            if self._drafts.get(key, fresh).prompt.strip() == task.prompt.strip():
                self._drafts.pop(key, None)
            self.tell(f"{task.id} is queued")
            self.query_one(TaskTable).await_task(task.id)

        recent = [entry.task for entry in self.entries]
        self.app.push_screen(NewTaskScreen(self.board, draft, recent, title, queued), written)

    @property
    def unsent(self) -> bool:
        """Whether something was written that is kept here alone: it is lost with the dashboard."""
        return any(draft.prompt.strip() for draft in self._drafts.values()) or self.has_notes

    def action_new(self) -> None:
        self.write_task()

    def action_doctor(self) -> None:
        if self._empty:
            self.query_one(Checkup).look()
            return
        from pithy_local.tui.screens.doctor import DoctorScreen

        self.app.push_screen(DoctorScreen(self.board))

    def action_stats(self) -> None:
        from pithy_local.tui.screens.stats import StatsScreen

        self.app.push_screen(StatsScreen(self.board))

    def action_switch_pane(self) -> None:
        if self.query_one(TaskTable).has_focus:
            self._go_to_view(zoomed=self.has_class("-narrow") and self.has_class("-tiny"))
        else:
            self._leave_view()

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")
        self.set_focus(self.view if self.has_class("-zoomed") else self.query_one(TaskTable))

    # ---- showing

    def _show_titles(self) -> None:
        tasks = self.query_one(TaskTable).list
        words = [f"/{tasks.filter_text}"] if tasks.filter_text else []
        title = counted("Tasks", " ".join(words))
        left = self.query_one("#left", Vertical)
        if self.changed("tasks-title", title):
            left.border_title = title
        hidden = len(tasks.marked) - len(tasks.shown_marks)
        parts = [f"{len(tasks.marked)} marked" + f", {hidden} hidden" * bool(hidden)] if tasks.marked else []
        newest = "the newest " if self._snapshot.more else ""
        counts = f"{len(tasks.rows)} of {newest}{tasks.loaded}"
        parts += [(not tasks.rows and tasks.problem) or counts] if tasks.filter_text else []
        parts += [f"by {tasks.sort}"] if tasks.sort != "newest" else []
        if self.changed("tasks-subtitle", parts):
            left.border_subtitle = Content(f" {' · '.join(parts)} " if parts else "")

    def _show_status(self) -> None:
        found = self.board.engine() if not self._trouble else Engine(label="store", problem=self._trouble)
        engine = replace(found, hint=in_here(found.hint, self.keymap))
        if self.changed("engine", engine.problem) and self._empty:
            self.query_one(Checkup).look()
        said = self._said if time.monotonic() - self._said_at < SAID_SECONDS else ""
        status = look.status_line(self._snapshot, engine, said)
        if self.changed("status", status):
            self.query_one("#status", Static).update(status, layout=False)


def _class_for(cells: int, breakpoints: list[tuple[int, str]]) -> str:
    return next(name for least, name in reversed(breakpoints) if cells >= least)
