"""`n`: repository, prompt and what else a task may say. What was written survives esc."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static, TextArea

from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.text import safe_line
from pithy_local.tui import actions
from pithy_local.tui.board import Board
from pithy_local.tui.records import Draft
from pithy_local.tui.screens.text import HEIGHTS, SafeTextArea, edit_in_place, show_hints
from pithy_local.tui.widgets.bars import HintBar
from pithy_local.tui.widgets.inputs import ChoiceInput

PROMPT = "The first line becomes the title of the commit and of the pull request."
SMALL = (
    ("base", "Base", "the repository's default branch"),
    ("model", "Model", "the configured one"),
    ("verify", "Verify", "pytest -q ;; ruff check ."),
    ("priority", "Priority", "0; higher goes first"),
    ("publish", "Publish", "auto or review (↑ ↓)"),
    ("after", "After", "a task to wait for (↑ ↓)"),
)
"""Fields of one line: name, label, what is taken where nothing is said."""


class NewTaskScreen(ModalScreen[tuple[Task | None, Draft]]):
    """Dismissed with the queued task or None, and with the draft to keep for the next time."""

    BINDINGS: ClassVar = [
        *actions.bindings(actions.Place.TEXT),
        # before the field sees them: what comes right behind the key belongs to the next field
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]
    VERTICAL_BREAKPOINTS = HEIGHTS

    class Added(Message):
        """The task is in the queue."""

        def __init__(self, task: Task, warnings: tuple[str, ...]) -> None:
            super().__init__()
            self.task, self.warnings = task, warnings

    class NotAdded(Message):
        """It was refused; nothing was written."""

        def __init__(self, error: PithyError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, board: Board, draft: Draft, recent: Sequence[Task]) -> None:
        """`recent`: tasks, newest first, whose repositories, models and bases are offered."""
        super().__init__()
        self._board = board
        self._start = draft
        self._choices = {
            "repo": _distinct(task.repo for task in recent),
            "model": _distinct(task.model for task in recent),
            "base": _distinct(task.base or "" for task in recent),
            "verify": _distinct(" ;; ".join(task.verify_commands) for task in recent),
            "publish": ["auto", "review"],
            "after": [task.id for task in recent if not task.status.settled],
        }
        self._adding = False

    def _draft(self) -> Draft:
        values = {field.id: field.value for field in self.query(Input) if field.id}
        return replace(self._start, prompt=self.query_one(TextArea).text, **values)

    def compose(self) -> ComposeResult:
        repos = self._choices["repo"]
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = Content("New task")
            with Grid(classes="fields"):
                yield Label("Repository")
                hint = "owner/name, https URL or local path" + ("  (↑ ↓ recent ones)" if repos else "")
                yield ChoiceInput(
                    self._start.repo or (repos[0] if repos else ""), repos, id="repo", placeholder=hint
                )  # fmt: skip
            yield Label("What should change?")
            yield SafeTextArea(self._start.prompt, id="prompt", placeholder=PROMPT)
            with Grid(classes="fields two"):
                for name, label, hint in SMALL:
                    yield Label(label)
                    yield ChoiceInput(
                        getattr(self._start, name), self._choices.get(name, []), id=name, placeholder=hint
                    )  # fmt: skip
            yield Static(id="problem")
            yield HintBar("text-hints")

    def on_mount(self) -> None:
        show_hints(self)
        has_repo = bool(self.query_one("#repo", Input).value)
        self.query_one("#prompt" if has_repo else "#repo").focus()

    def action_back(self) -> None:
        if not self._adding:
            self.dismiss((None, self._draft()))

    def action_editor(self) -> None:
        edit_in_place(self, self.query_one(TextArea))

    async def action_press(self, action_id: str) -> None:
        await self.app.run_action(actions.BY_ID[action_id].run, self)

    def action_submit(self) -> None:
        if self._adding:
            return
        self._adding = True
        self._say(Content("Adding…"))
        self._add(self._draft())

    @work(thread=True)
    def _add(self, draft: Draft) -> None:
        try:
            task, warnings = self._board.add(draft)
        except PithyError as error:
            self.post_message(self.NotAdded(error))
        else:
            self.post_message(self.Added(task, warnings))

    def on_new_task_screen_added(self, event: Added) -> None:
        for warning in event.warnings:
            self.app.notify(safe_line(warning), severity="warning", markup=False)
        self.dismiss((event.task, Draft(repo=event.task.repo)))

    def on_new_task_screen_not_added(self, event: NotAdded) -> None:
        self._adding = False
        error = event.error
        self._say(Content.assemble((safe_line(error.message), "bold $error"), "\n", safe_line(error.hint)))

    def _say(self, what: Content) -> None:
        problem = self.query_one("#problem", Static)
        problem.update(what)
        problem.set_class(bool(what), "-said")


def _distinct(values: Iterable[str]) -> list[str]:
    """Each once, in order, as safe text, without the empty ones."""
    return [safe_line(value) for value in dict.fromkeys(values) if value]
