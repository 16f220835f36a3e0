"""What the user looks at: the selected task in four views, each brought up to date by what the feed reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from pithy_local.errors import PithyError
from pithy_local.models import Patch, Status, Task
from pithy_local.tui import look
from pithy_local.tui.board import Board
from pithy_local.tui.feed import Feed
from pithy_local.tui.records import Details, Entry
from pithy_local.tui.screens.doing import DoingScreen
from pithy_local.tui.widgets.bars import Prompt, TabBar
from pithy_local.tui.widgets.diff import DiffView
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.log_lines import LogLines
from pithy_local.tui.widgets.page import Page
from pithy_local.tui.widgets.tasks import TaskTable

if TYPE_CHECKING:
    from pithy_local.tui.screens import copying

TABS = ("log", "diff", "steps", "info")


class LookingScreen(DoingScreen):
    """The right side: header, tabs, log, diff, steps and info of one task."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.entries: tuple[Entry, ...] = ()
        self.by_id: dict[str, Entry] = {}
        self.tab = "log"
        self._details: Details | None = None
        self._diff_of: tuple[str, Patch | None, Status] | None = None
        """The task whose diff is shown, and how it stood then."""
        self._shown: dict[str, object] = {}

    @property
    def entry(self) -> Entry | None:
        """The selected task."""
        return self.by_id.get(self.query_one(TaskTable).selected or "")

    @property
    def selected(self) -> Task | None:
        return self.entry.task if self.entry is not None else None

    @property
    def chosen(self) -> list[Task]:
        return [entry.task for entry in self.query_one(TaskTable).chosen]

    @property
    def view(self) -> Widget:
        """The view that is open."""
        return self.query_one(f"#{self.tab}")

    def settled_marks(self) -> None:
        table = self.query_one(TaskTable)
        table.list.marked.clear()
        table.refresh()

    # ---- which task, which view

    def on_task_table_selected(self, event: TaskTable.Selected) -> None:
        self.query_one(LogView).show(event.task)
        self.query_one(Feed).log_stale = True
        self._details, self._diff_of = None, None
        self.query_one("#steps", Page).scroll_home(animate=False)
        self.query_one("#info", Page).scroll_home(animate=False)
        self.refresh_view()

    def action_tab(self, name: str) -> None:
        """Open a view; the keys go there if they went to another view."""
        views = self.query_one(ContentSwitcher)
        had_focus = views.has_focus_within
        self.tab = name
        views.current = "diff-pane" if name == "diff" else name
        if had_focus:
            self.view.focus()
        self.refresh_view()
        self.show_badge()

    def refresh_view(self) -> None:
        """Ask for what the open view needs, and show what is known. Cheap when nothing has changed."""
        entry, feed, log = self.entry, self.query_one(Feed), self.query_one(LogView)
        if entry is None:
            return
        if log.window.task is not None:
            feed.read_log(log.window.task, log.stale_pages(), only=log.window.unscanned)
        if self.tab == "diff":
            wanted = (entry.task.id, entry.task.patch, entry.task.status)
            if wanted != self._diff_of:
                self._diff_of = wanted
                feed.read_diff(entry.task.id)
        elif self.tab in ("steps", "info"):
            known = self._details is not None and self._details.entry.task == entry.task
            if not known or feed.details_stale:
                feed.read_details(entry)
            self._show_details()
        self.show_selected()

    def show_selected(self) -> None:
        """Title, header and tabs."""
        entry = self.entry
        if entry is None:
            return
        task = entry.task
        title = look.title(task)
        if self.changed("title", title):
            self.query_one("#right", Vertical).border_title = title
        header = look.header(entry, self.board.app.clock.now_ms(), low=self.has_class("-narrow"))
        if self.changed("header", header):
            shown = self.query_one("#header", Static)
            lines = len(header.wrap(self.app.console, max(1, shown.content_size.width)))
            # the whole screen is laid out anew only for another number of lines, not for each second that passes
            shown.update(header, layout=self.changed("header-lines", lines))
        counts = f" +{task.patch.added} −{task.patch.removed}" if task.patch is not None else ""
        tabs = [("log", "Log"), ("diff", f"Diff{counts}"), ("steps", "Steps"), ("info", "Info")]
        if self.changed("tabs", (tabs, self.tab)):
            self.query_one("#tabs", TabBar).show(tabs, self.tab)

    def changed(self, where: str, what: object) -> bool:
        """Whether this is something else than what was shown there: an update paints and lays out anew."""
        changed = self._shown.get(where) != what
        self._shown[where] = what
        return changed

    # ---- log

    def on_feed_log_read(self, event: Feed.LogRead) -> None:
        self.query_one(LogView).take(event.part)

    def on_feed_matched(self, event: Feed.Matched) -> None:
        self.query_one(LogView).take_matches(event.matches)

    def on_log_lines_pages_wanted(self, event: LogLines.PagesWanted) -> None:
        self.query_one(Feed).read_pages(event.task, event.pages)

    def on_log_view_find_wanted(self, event: LogView.FindWanted) -> None:
        self.query_one(Feed).find(event.task, event.needles, event.start, backwards=event.backwards)

    def on_feed_found(self, event: Feed.Found) -> None:
        log = self.query_one(LogView)
        if event.task_id != log.window.task or log.needle is None:
            return
        if event.seq is None:
            self.tell(f"Nothing has `{log.needle.text}` in it", "warning")
            return
        if event.seq > event.start if event.backwards else event.seq < event.start:
            self.tell("Searching went on from the other end")
        log.found(event.seq)

    def on_log_view_badge_changed(self) -> None:
        self.show_badge()
        self.show_hints()

    def show_hints(self) -> None:
        """Other keys do something now. Subclasses have the line for it."""

    def on_diff_view_files_changed(self) -> None:
        self.show_badge()
        self.show_hints()

    def show_badge(self) -> None:
        """Below the view: where it stands."""
        right = self.query_one("#right", Vertical)
        badges = {"log": self.query_one(LogView).badge, "diff": self.query_one(DiffView).badge}
        badge = badges.get(self.tab, Content(""))
        if self.changed("badge", badge):
            right.border_subtitle = badge

    def on_log_view_detail_wanted(self, event: LogView.DetailWanted) -> None:
        from pithy_local.tui.screens.viewer import LineScreen  # no dialog delays the first frame

        def closed(copied: bool | None) -> None:
            if copied:
                self.post_message(self.CopyWanted(event.line.text, "the line"))

        self.app.push_screen(LineScreen(event.line), closed)

    def on_log_view_prompt_wanted(self, event: LogView.PromptWanted) -> None:
        log, prompt = self.query_one(LogView), self.query_one(Prompt)
        if event.only:
            text = log.window.only.text if log.window.only else ""
            prompt.ask("only", "Only lines with", text, "a text; nothing shows all lines")
        else:
            text = log.needle.text if log.needle else ""
            prompt.ask("search", "Search", text, "a text; n and N go to the next and the one before")

    def on_log_view_save_wanted(self) -> None:
        self.query_one(Prompt).ask(
            "save", "Save the log as", f"{self.query_one(LogView).window.task}.log", "a new file"
        )

    def save_log(self, task: str, file: str) -> None:
        """Write the log into this file."""
        self._save(lambda: f"{self.board.save_log(task, Path(file)):,} lines are in {file}")

    def save_diff(self, task: str, file: str) -> None:
        """Write the diff into this file."""
        self._save(lambda: f"{self.board.save_diff(task, Path(file)):,} bytes are in {file}")

    @work(thread=True, group="save")
    def _save(self, write: Callable[[], str]) -> None:
        """`write` says what it wrote, or raises PithyError."""
        try:
            self.post_message(self.Told(write()))
        except PithyError as error:
            self.post_message(self.Told(f"{error.message}. {error.hint}", "error"))

    # ---- diff, steps, info

    def on_feed_diff_read(self, event: Feed.DiffRead) -> None:
        if self._diff_of is not None and event.task_id == self._diff_of[0]:
            self.query_one(DiffView).take(event.task_id, event.diff, event.problem)

    def on_diff_view_prompt_wanted(self, event: DiffView.PromptWanted) -> None:
        diff, prompt = self.query_one(DiffView), self.query_one(Prompt)
        if event.save:
            prompt.ask("save-diff", "Save the diff as", f"{diff.shown_task}.diff", "a new file")
        else:
            text = diff.needle.text if diff.needle else ""
            prompt.ask("find", "Search", text, "a text; n and N go to the next and the one before")

    def on_diff_view_searched(self, event: DiffView.Searched) -> None:
        if not event.found:
            self.tell(f"Nothing has `{event.text}` in it", "warning")
        elif event.round:
            self.tell("Searching went on from the other end")

    def on_diff_view_send_back_wanted(self, event: DiffView.SendBackWanted) -> None:
        self.send_back(event.place)

    def on_feed_details_read(self, event: Feed.DetailsRead) -> None:
        if event.details.entry.task.id == self.query_one(TaskTable).selected:
            self._details = event.details
            self._show_details()

    def _show_details(self) -> None:
        if self._details is None or self.tab not in ("steps", "info"):
            return
        from pithy_local.tui.models import info, steps  # nor does a view that is not open

        now = self.board.app.clock.now_ms()
        page = steps.page(self._details, now) if self.tab == "steps" else info.page(self._details, now)
        self.query_one(f"#{self.tab}", Page).show(page)

    # ---- copying

    def action_copy(self) -> None:
        task = self.selected
        if task is None:
            return
        from pithy_local.tui.screens import copying
        from pithy_local.tui.screens.choice import ChoiceScreen

        things = copying.things(task, self._here(), lambda: self.board.diff(task.id).decode("utf-8", "replace"))

        def chosen(number: int | None) -> None:
            if number is not None:
                self._copy(things[number][0].label, things[number][1])

        self.app.push_screen(ChoiceScreen("Copy", [choice for choice, _ in things]), chosen)

    def _here(self) -> Sequence[copying.Thing]:
        """What of the open view there is to copy."""
        from pithy_local.tui.screens import copying

        if self.tab == "log":
            return copying.of_log(self.query_one(LogView).current)
        diff = self.query_one(DiffView)
        return copying.of_diff(diff.content, diff.cursor) if self.tab == "diff" else ()

    @work(thread=True, group="copy")
    def _copy(self, label: str, read: Callable[[], str]) -> None:
        try:
            self.post_message(self.CopyWanted(read(), f"the {label}"))
        except PithyError as error:
            self.post_message(self.Told(f"{error.message}. {error.hint}", "error"))
