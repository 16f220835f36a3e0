"""`n`: repository, prompt and what else a task may say. What was written survives esc."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, get_args

from textual import work
from textual.app import ComposeResult
from textual.containers import Grid, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static, TextArea

from pithy_local.config import ExecutorName, ProviderName, Publish
from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.text import safe_line
from pithy_local.tui import look
from pithy_local.tui.board import Board
from pithy_local.tui.drafts import UNISOLATED, draft_of
from pithy_local.tui.records import Draft
from pithy_local.tui.screens.text import SafeTextArea, TextDialog
from pithy_local.tui.widgets.inputs import ChoiceInput

PROMPT = "The first line becomes the title of the commit and of the pull request."
SMALL = (
    ("base", "Base", "its default branch"),
    ("model", "Model", "the configured one"),
    ("verify", "Verify", "pytest -q ;; ruff check ."),
    ("provider", "Provider", "the configured one (↑ ↓)"),
    ("publish", "Publish", "auto or review (↑ ↓)"),
    ("executor", "Executor", "the configured one (↑ ↓)"),
    ("priority", "Priority", "0; higher goes first"),
    ("max_tokens", "Tokens", "the limit for this task"),
    ("after", "After", "a task's id (↑ ↓)"),
    ("at", "Not before", "22:30, tomorrow 6:00"),
)
"""Fields of one line: name, label, what is taken where nothing is said."""


class NewTaskScreen(TextDialog[tuple[Task | None, Draft]]):
    """Dismissed with the queued task or None, and with the draft to keep for the next time."""

    PROSE: ClassVar[str] = (
        "A repository and what should change are all that is needed; everything else may stay empty. Verify: commands "
        "that must pass, separated by `;;`. Publish: `auto` pushes the change and opens a pull request, `review` waits "
        f"until you accept it. Executor `local {UNISOLATED}` runs what the model writes on this very machine. ↑ and ↓ "
        "go through what a field took before, or may take."
    )

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

    def __init__(self, board: Board, draft: Draft, recent: Sequence[Task], title: str = "New task") -> None:
        """`recent`: tasks, newest first, whose repositories, models and bases are offered; `title`: safe text."""
        super().__init__()
        self._title = title
        self._board = board
        self._start = draft
        self._choices = {
            "repo": _distinct(task.repo for task in recent),
            "model": _distinct(task.model for task in recent),
            "base": _distinct(task.base or "" for task in recent),
            "verify": _distinct(draft_of(task).verify for task in recent),
            "provider": list(get_args(ProviderName)),
            "publish": list(get_args(Publish)),
            "executor": [*get_args(ExecutorName), f"local {UNISOLATED}"],
            "after": [f"{task.id} {safe_line(task.title)}" for task in recent if not task.status.settled],
        }
        self._adding = False

    def _draft(self) -> Draft:
        values = {field.id: field.value for field in self.query(Input) if field.id}
        return replace(self._start, prompt=self.query_one(TextArea).text, **values)

    def compose(self) -> ComposeResult:
        repos = self._choices["repo"]
        hint = "owner/name, https URL or local path" + ("  (↑ ↓ recent ones)" if repos else "")
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            with VerticalScroll(classes="body", can_focus=False):
                with Grid(classes="fields"):
                    yield Label("Repository")
                    yield self._field("repo", self._start.repo or (repos[0] if repos else ""), hint)
                yield Label("What should change?")
                yield SafeTextArea(self._start.prompt, id="prompt", placeholder=PROMPT)
                with Grid(classes="fields two"):
                    for name, label, hint in SMALL:
                        yield Label(label)
                        yield self._field(name, getattr(self._start, name), hint)
            yield from self.foot(Static(classes="problem"))

    def _field(self, name: str, value: str, hint: str) -> ChoiceInput:
        return ChoiceInput(value, self._choices.get(name, []), id=name, placeholder=hint)

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        has_repo = bool(self.query_one("#repo", Input).value)
        (area if has_repo else self.query_one("#repo")).focus()

    def action_back(self) -> None:
        if not self._adding:
            self.dismiss((None, self._draft()))

    def action_submit(self) -> None:
        if self._adding:
            return
        self._adding = True
        self.say(look.piece("Adding…"))
        self._add(self._draft())

    @work(thread=True)
    def _add(self, draft: Draft) -> None:
        try:
            with self._board.in_words():
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
        self.complain(event.error)
        wrong = event.error.detail.get("field")
        if wrong:
            self.query_one(f"#{wrong}").focus()


def _distinct(values: Iterable[str]) -> list[str]:
    """Each once, in order, as safe text, without the empty ones."""
    return [safe_line(value) for value in dict.fromkeys(values) if value]
