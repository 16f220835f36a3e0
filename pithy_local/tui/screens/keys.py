"""Which keys do what here and now: the line of hints, the palette, and why an action does nothing."""

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
from pithy_local.tui.widgets.bars import HintBar
from pithy_local.tui.widgets.diff import DiffView
from pithy_local.tui.widgets.diff_files import DiffFiles
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.page import Page
from pithy_local.tui.widgets.tasks import TaskTable

ALWAYS = ("dashboard.help", "dashboard.quit")
_FIRST = {Place.TASKS: (Place.TASKS, Place.DASHBOARD, Place.TASK), Place.LOG: (Place.LOG, Place.TASK),
          Place.DIFF: (Place.DIFF, Place.TASK), Place.FILES: (Place.FILES, Place.TASK),
          Place.PAGE: (Place.TASK, Place.DASHBOARD)}  # fmt: skip
"""Which hints come first, by what has the focus."""


class KeysScreen(LookingScreen):
    """Knows the user's keys, what has the focus, and how each action is run."""

    def __init__(self, board: Board, keymap: Keymap) -> None:
        super().__init__(board)
        self.keymap = keymap

    @property
    def place(self) -> Place:
        """What has the focus."""
        focused = self.focused
        if isinstance(focused, LogView):
            return Place.LOG
        if isinstance(focused, DiffView):
            return Place.DIFF
        if isinstance(focused, DiffFiles):
            return Place.FILES
        return Place.PAGE if isinstance(focused, Page) else Place.TASKS

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self.show_hints()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        self.show_hints()

    def show_hints(self) -> None:
        hints = [action for place in _FIRST[self.place] for action in self.keymap.at(place) if self._hinted(action)]
        last = [action for action in self.keymap.actions if action.id in ALWAYS]
        self.query_one("#hints", HintBar).show(hints, last)

    def _hinted(self, action: Action) -> bool:
        return action.hint and action.id not in ALWAYS and not self.why_not(action.id)

    async def action_press(self, action_id: str) -> None:
        """What the key of this action does."""
        action = actions.BY_ID[action_id]
        homes: dict[Place, Widget] = {Place.TASKS: self.query_one(TaskTable), Place.LOG: self.query_one(LogView),
                                      Place.DIFF: self.query_one(DiffView), Place.PAGE: self.view}  # fmt: skip
        if action.place is Place.FILES:
            homes[Place.FILES] = self.query_one(DiffFiles)
        await self.app.run_action(action.run, homes.get(action.place, self))

    def presser(self, action_id: str) -> Callable[[], None]:
        """For the palette: opens the view that the action belongs to, and does it."""

        def press() -> None:
            place = actions.BY_ID[action_id].place
            if place in (Place.LOG, Place.DIFF):
                self.action_tab(place.name.lower())
                self.view.focus()
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

    def why_not(self, action_id: str) -> str:
        """Why this action does nothing now; "" where it does something."""
        verb = {"tasks.pr": "open_pr", "tasks.shell": "shell", "diff.send-back": "send_back"}.get(
            action_id, action_id.removeprefix("task.")
        )
        if verb in verbs.VERBS:
            return verbs.why_not(verb, self.chosen)
        if not self.entries and action_id.startswith(("task.", "tasks.")):
            return "there is no task yet"
        if action_id in ("log.next", "log.previous") and self.query_one(LogView).needle is None:
            return "nothing is searched for"
        if action_id in ("diff.next", "diff.previous") and self.query_one(DiffView).needle is None:
            return "nothing is searched for"
        return ""
