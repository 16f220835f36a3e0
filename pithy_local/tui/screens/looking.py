"""What the user looks at: the selected task in four views, each brought up to date by what the feed reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from pithy_local.models import Patch, Status, Task
from pithy_local.tui import look
from pithy_local.tui.board import Board
from pithy_local.tui.feed import Feed
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models.hints import in_here
from pithy_local.tui.records import Details, Entry
from pithy_local.tui.screens.doing import DoingScreen
from pithy_local.tui.widgets.bars import TabBar
from pithy_local.tui.widgets.diff import DiffView
from pithy_local.tui.widgets.diff_search import SearchedDiff
from pithy_local.tui.widgets.header import Header
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.log_lines import LogLines
from pithy_local.tui.widgets.log_search import SearchedLog
from pithy_local.tui.widgets.page import Page
from pithy_local.tui.widgets.tasks import TaskTable

if TYPE_CHECKING:
    from pithy_local.tui.screens.copying import Thing

AGAIN_SECONDS = 2.0
"""After which a diff that could not be read is asked for once more."""


class LookingScreen(DoingScreen):
    """The right side: header, tabs, log, diff, steps and info of one task."""

    def __init__(self, board: Board, keymap: Keymap) -> None:
        super().__init__(board, keymap)
        self.entries: tuple[Entry, ...] = ()
        self.by_id: dict[str, Entry] = {}
        self.tab = "log"
        self._details: Details | None = None
        self._diff_of: tuple[str, Patch | None, Status | None] | None = None
        """The task whose diff is shown, and the diff; why there is none depends on its status."""
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

    def unmark(self, tasks: Sequence[str]) -> None:
        self.query_one(TaskTable).unmark(tasks)

    # ---- which task, which view

    def on_task_table_selected(self, event: TaskTable.Selected) -> None:
        """Nothing of the task before is left to be seen, or to be acted on."""
        log = self.query_one(LogView)
        log.show_only("")
        log.show(event.task)
        self.query_one(Feed).log_stale = True
        self._details, self._diff_of = None, None
        self.query_one(DiffView).take(event.task or "", None)
        for page in (self.query_one("#steps", Page), self.query_one("#info", Page)):
            page.clear()
        self.refresh_view()

    def action_tab(self, name: str) -> None:
        """Open a view; the keys go there if they went to another view."""
        views = self.query_one(ContentSwitcher)
        had_focus = views.has_focus_within
        self.tab = name
        views.current = "diff-pane" if name == "diff" else name
        if had_focus:
            self.set_focus(self.view)
        self.refresh_view()
        self.show_badge()

    def refresh_view(self) -> None:
        """Ask for what the open view needs, and show what is known. Cheap when nothing has changed."""
        entry, feed, log = self.entry, self.query_one(Feed), self.query_one(LogView)
        self.show_selected()
        if entry is None:
            return
        if log.window.task is not None:
            feed.read_log(log.window.task, log.stale_pages())
            feed.scan_log(log.scans)
        if self.tab == "diff":
            task = entry.task
            wanted = (task.id, task.patch, None if task.patch else task.status)
            if wanted != self._diff_of:
                self._diff_of = wanted
                feed.read_diff(entry.task.id)
        elif self.tab in ("steps", "info"):
            known = self._details is not None and self._details.entry.task == entry.task
            if not known or feed.details_stale:
                feed.read_details(entry)
            self.show_details()

    def show_selected(self) -> None:
        """Title, header and tabs."""
        task = self.selected
        title = look.title(task) if task is not None else Content("")
        if self.changed("title", title):
            self.query_one("#right", Vertical).border_title = title
        self.query_one(Header).show(self.entry, self.board.app.clock.now_ms())
        patch = task.patch if task is not None else None
        counts = f" +{patch.added} −{patch.removed}" if patch is not None else ""
        tabs = [("log", "Log"), ("diff", f"Diff{counts}"), ("steps", "Steps"), ("info", "Info")]
        if self.changed("tabs", (tabs, self.tab)):
            keys = [self.keymap.key(f"dashboard.{name}") for name, _ in tabs]
            self.query_one("#tabs", TabBar).show(tabs, self.tab, keys)

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

    def on_searched_log_find_wanted(self, event: SearchedLog.FindWanted) -> None:
        self.query_one(Feed).find(event.hunt)

    def on_searched_log_scans_changed(self) -> None:
        self.query_one(Feed).scan_log(self.query_one(LogView).scans)

    def on_searched_log_noted(self, event: SearchedLog.Noted) -> None:
        self.tell(event.text, "warning" if event.grave else "information")

    def on_feed_found(self, event: Feed.Found) -> None:
        self.query_one(LogView).found(event.hunt, event.seq)

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
        badge = badges.get(self.tab, Content("")) if self.selected is not None else Content("")
        if self.changed("badge", badge):
            right.border_subtitle = badge

    def on_log_view_detail_wanted(self, event: LogView.DetailWanted) -> None:
        from pithy_local.tui.screens.copying import line_text  # no dialog delays the first frame
        from pithy_local.tui.screens.viewer import LineScreen

        def closed(copied: bool | None) -> None:
            if copied:
                self.post_message(self.CopyWanted(line_text(event.line), "the line"))

        self.app.push_screen(LineScreen(event.line, self.query_one(LogView).marked_needle), closed)

    def save_log(self, name: str) -> None:
        """Write the log into the file with this name."""
        task = self.query_one(LogView).window.task
        if task is not None and name.strip():
            self.in_thread("Save", lambda: self.board.save_log(task, name.strip()), partial(self._saved, "lines"))

    def save_diff(self, name: str) -> None:
        """Write the diff that is shown into the file with this name."""
        diff, name = self.query_one(DiffView), name.strip()
        if name:
            save = partial(self.board.save_diff, diff.shown_task, diff.attempt or None, name)
            self.in_thread("Save", save, partial(self._saved, "bytes"))

    def _saved(self, what: str, found: tuple[int, Path]) -> None:
        count, path = found
        self.tell(f"{count:,} {what} are in {path}")

    # ---- diff, steps, info

    def on_feed_diff_read(self, event: Feed.DiffRead) -> None:
        if self._diff_of is not None and event.task_id == self._diff_of[0]:
            diff = self.query_one(DiffView)
            problem = in_here(event.problem, self.keymap)
            diff.take(event.task_id, event.diff, problem, attempt=event.attempt, attempts=event.attempts)
            if event.again:
                self.set_timer(AGAIN_SECONDS, partial(self._read_again, self._diff_of))

    def _read_again(self, diff: object) -> None:
        """A diff that was there and could not be read."""
        if self._diff_of == diff:
            self._diff_of = None
            self.refresh_view()

    def on_diff_view_attempt_wanted(self, event: DiffView.AttemptWanted) -> None:
        if self._diff_of is not None and event.task == self._diff_of[0]:
            self.query_one(Feed).read_diff(event.task, event.attempt)

    def on_searched_diff_searched(self, event: SearchedDiff.Searched) -> None:
        if not event.found:
            self.tell(f"Nothing has `{event.text}` in it", "warning")
        elif event.round:
            self.tell("Searching went on from the other end")

    def action_send_back(self) -> None:
        """At once: what is typed behind the key is the note already."""
        diff = self.query_one(DiffView)
        if diff.shown_task not in self.by_id or not diff.place:
            self.tell("Send back: the diff is not there yet", "warning")
        else:
            self.send_back(self.by_id[diff.shown_task].task, diff.place)

    def on_feed_details_read(self, event: Feed.DetailsRead) -> None:
        if event.details.entry.task.id == self.query_one(TaskTable).selected:
            self._details = event.details
            self.show_details()

    def show_details(self) -> None:
        """The steps or the info as they are now: times in them go on."""
        if self._details is None or self.tab not in ("steps", "info"):
            return
        from pithy_local.tui.models import info, steps  # nor does a view that is not open

        now = self.board.app.clock.now_ms()
        page = steps.page(self._details, now) if self.tab == "steps" else info.page(self._details, now)
        self.query_one(f"#{self.tab}", Page).show(page)

    # ---- copying

    def action_copy(self) -> None:
        task = self.may_selected("copy")
        if task is None:
            return
        from pithy_local.tui.screens.copying import CopyScreen, things

        def chosen(thing: Thing | None) -> None:
            if thing is not None:
                self._copy(thing.label, thing.read)

        marked = [entry.task.id for entry in self.query_one(TaskTable).list.shown_marks]
        # another attempt's diff may be shown: it is the one that is meant then
        attempt = (self.query_one(DiffView).attempt or None) if self.tab == "diff" else None
        found = things(task, self._here(), lambda: self.board.diff(task.id, attempt).decode("utf-8", "replace"), marked)
        self.app.push_screen(CopyScreen(found), chosen)

    def _here(self) -> Sequence[Thing]:
        """What of the open view there is to copy."""
        from pithy_local.tui.screens.copying import of_diff, of_log

        if self.tab == "log":
            return of_log(self.query_one(LogView).current)
        diff = self.query_one(DiffView)
        return of_diff(diff.content, diff.cursor) if self.tab == "diff" else ()

    def _copy(self, label: str, read: Callable[[], str]) -> None:
        def copied(text: str) -> None:
            self.post_message(self.CopyWanted(text, f"the {label}"))

        self.in_thread("Copy", read, copied)
