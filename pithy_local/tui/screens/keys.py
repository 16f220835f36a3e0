"""Which keys do what here and now: the line of hints, the line to type into, and why an action does nothing."""

from __future__ import annotations

from collections.abc import Callable

from textual.events import DescendantBlur, DescendantFocus
from textual.widget import Widget

from pithy_local.tui import actions
from pithy_local.tui.actions import Action, Place
from pithy_local.tui.board import Board
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models import verbs
from pithy_local.tui.screens.looking import LookingScreen
from pithy_local.tui.widgets.bars import HintBar, Prompt
from pithy_local.tui.widgets.checkup import Checkup
from pithy_local.tui.widgets.diff import DiffView
from pithy_local.tui.widgets.diff_files import DiffFiles
from pithy_local.tui.widgets.lines import LineView
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.page import Page
from pithy_local.tui.widgets.tasks import TaskTable

ALWAYS = ("dashboard.help", "dashboard.quit")
_HINTED = {Place.TASKS: (Place.TASKS, Place.DASHBOARD, Place.TASK), Place.LOG: (Place.LOG, Place.TASK),
           Place.DIFF: (Place.DIFF, Place.TASK), Place.FILES: (Place.FILES, Place.TASK),
           Place.PAGE: (Place.TASK, Place.DASHBOARD), Place.PROMPT: (Place.PROMPT,)}  # fmt: skip
"""Whose hints come first, by what has the focus."""
_OF_ONE = {"tasks.pr": "open_pr", "tasks.shell": "shell", "diff.send-back": "send_back"}
"""Verbs that take the selected task, whichever are marked."""
_SAVES = {"save": "log.save", "save-diff": "diff.save"}
"""For what the line is opened where there is something to save, and by which action."""


class KeysScreen(LookingScreen):
    """Knows the user's keys, what has the focus, and how each action is run."""

    def __init__(self, board: Board, keymap: Keymap) -> None:
        super().__init__(board, keymap)
        self._filtering_from: str | None = None
        """The task that was selected when the filter was opened."""

    @property
    def place(self) -> Place:
        """What has the focus."""
        focused = self.focused
        if self.query_one(Prompt).is_open:
            return Place.PROMPT
        if isinstance(focused, LogView):
            return Place.LOG
        if isinstance(focused, DiffView):
            return Place.DIFF
        if isinstance(focused, DiffFiles):
            return Place.FILES
        return Place.PAGE if isinstance(focused, Page) and not isinstance(focused, Checkup) else Place.TASKS

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self.show_hints()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        self.show_hints()

    def show_hints(self) -> None:
        place = self.place
        hints = [action for each in _HINTED[place] for action in self.keymap.at(each) if self._hinted(action)]
        last = [self.keymap.action(action_id) for action_id in ALWAYS] if place is not Place.PROMPT else []
        self.query_one("#hints", HintBar).show(hints, last)

    def _hinted(self, action: Action) -> bool:
        return action.hint and action.id not in ALWAYS and not self.why_not(action.id)

    async def action_press(self, action_id: str) -> None:
        """What the key of this action does."""
        action = actions.BY_ID[action_id]
        focus = self.focused or self.query_one(TaskTable)
        homes: dict[Place, Widget] = {
            Place.TASKS: self.query_one(TaskTable), Place.LOG: self.query_one(LogView),
            Place.DIFF: self.query_one(DiffView), Place.PROMPT: self.query_one(Prompt),
            Place.LINES: focus if isinstance(focus, LineView) else self.query_one(TaskTable),
            Place.PAGE: focus if isinstance(focus, Page) else self.view,
        }  # fmt: skip
        for files in self.query(DiffFiles):  # there from the first diff on
            homes[Place.FILES] = files
        await self.app.run_action(action.run, homes.get(action.place, self))

    def presser(self, action_id: str) -> Callable[[], None]:
        """For the palette: opens the view that the action belongs to, and does it."""

        def press() -> None:
            place = actions.BY_ID[action_id].place
            if place in (Place.LOG, Place.DIFF, Place.FILES):
                self.action_tab("log" if place is Place.LOG else "diff")
                self.set_focus(self.view)
            self.call_later(self.action_press, action_id)

        return press

    def goer(self, task: str) -> Callable[[], None]:
        """For the palette: selects this task."""

        def go() -> None:
            table = self.query_one(TaskTable)
            if table.list.row_of(task) is None:
                table.filter("")
            table.await_task(task)

        return go

    # ---- the line to type into

    def action_ask(self, purpose: str) -> None:
        """Open the line to type into, at once: what is typed behind the key is text already."""
        reason = self.why_not(_SAVES[purpose]) if purpose in _SAVES else ""
        if reason:
            self.tell(f"Save: {reason}", "warning")
            return
        log, table, diff = self.query_one(LogView), self.query_one(TaskTable), self.query_one(DiffView)
        only, needle, wanted = log.window.only, log.needle, diff.needle
        label, text, about = {
            "tasks": ("Filter", table.list.filter_text, "status:failed,review repo:api !word"),
            "search": ("Search", needle.text if needle else "", self._search_words("log")),
            "line": ("Go to line", "", "its number; $ is the end"),
            "only": ("Only lines with", only.text if only else "", "a text; nothing shows all lines"),
            "save": ("Save the log as", f"{log.window.task}.log", "a new file"),
            "find": ("Search", wanted.text if wanted else "", self._search_words("diff")),
            "save-diff": ("Save the diff as", f"{diff.shown_task}.diff", "a new file"),
        }[purpose]
        self._filtering_from = table.selected
        self.query_one(Prompt).ask(purpose, label, text, about)

    def _search_words(self, place: str) -> str:
        on, back = self.keymap.key(f"{place}.next"), self.keymap.key(f"{place}.previous")
        return f"a text; {on} and {back} go on from match to match"

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        log, table = self.query_one(LogView), self.query_one(TaskTable)
        if event.purpose == "tasks":
            table.filter(event.text, self._filtering_from)
        elif event.final and event.purpose == "search":
            log.search(event.text)
        elif event.final and event.purpose == "only":
            log.show_only(event.text)
        elif event.final and event.purpose == "line":
            log.go_to(event.text)
        elif event.final and event.purpose == "save":
            self.save_log(event.text)
        elif event.final and event.purpose == "find":
            self.query_one(DiffView).search(event.text)
        elif event.final and event.purpose == "save-diff":
            self.save_diff(event.text)
        if event.final:
            self.set_focus(table if event.purpose == "tasks" else self.view)

    def on_prompt_given_up(self, event: Prompt.GivenUp) -> None:
        if event.purpose == "tasks":
            self.query_one(TaskTable).filter(event.before, self._filtering_from)
        self.set_focus(self.query_one(TaskTable) if event.purpose == "tasks" else self.view)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed into the line at the bottom, its keys are text."""
        return action == "press" or not self.is_mounted or not self.query_one(Prompt).is_open

    # ---- why nothing happens

    def why_not(self, action_id: str) -> str:
        """Why this action does nothing now; "" where it does something."""
        place, _, name = action_id.partition(".")
        if action_id in _OF_ONE:
            return verbs.why_not(_OF_ONE[action_id], [self.selected] if self.selected is not None else [])
        if place == "task" and name in verbs.VERBS:
            return verbs.why_not(name, self.chosen)
        if place in ("task", "tasks"):
            return self._why_not_tasks(name)
        if place == "log":
            return self._why_not_log(name)
        if place in ("diff", "files"):
            return self._why_not_diff(place, name)
        return ""

    def _why_not_tasks(self, name: str) -> str:
        tasks = self.query_one(TaskTable).list
        if not self.entries:
            return "there is no task yet"
        if name == "clear":
            return "" if tasks.marked or tasks.filter_text else "nothing is marked, and there is no filter"
        return "" if tasks.rows or name in ("filter", "sort") else "no task passes the filter"

    def _why_not_diff(self, place: str, name: str) -> str:
        if name == "back" and place == "diff":
            return ""
        if self.selected is None or self.selected.patch is None:
            return "there is no diff"
        if name in ("next", "previous") and self.query_one(DiffView).needle is None:
            return "nothing is searched for" + (": it writes a new task" if name == "next" else "")
        if name in ("next-attempt", "previous-attempt") and len(self.query_one(DiffView).attempts) < 2:
            return "one attempt made a diff"
        return "the list of files is not open" if place == "files" and self.place is not Place.FILES else ""

    def _why_not_log(self, name: str) -> str:
        log = self.query_one(LogView)
        if name in ("next", "previous") and log.needle is None:
            return "nothing is searched for" + (": it writes a new task" if name == "next" else "")
        if name in ("next-attempt", "previous-attempt") and log.window.attempts < 2:
            return "the log has one attempt"
        in_lines = ("search", "detail", "save", "go-to", "next-error", "previous-error")
        empty = not log.rows and name in in_lines and log.window.only is None
        return "the log is empty" if empty else ""
