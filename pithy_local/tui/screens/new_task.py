"""`n`: repository, prompt and what else a task may say. What was written survives esc."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, get_args

from textual.app import ComposeResult
from textual.containers import Grid, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, Static, TextArea

from pithy_local.config import ExecutorName, ProviderName, Publish
from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.text import safe_line
from pithy_local.tui import look
from pithy_local.tui.board import Board
from pithy_local.tui.drafts import UNISOLATED, draft_of
from pithy_local.tui.models.hints import in_here
from pithy_local.tui.records import Draft
from pithy_local.tui.screens.text import SafeTextArea, TextDialog
from pithy_local.tui.widgets.inputs import ChoiceInput

if TYPE_CHECKING:
    from pithy_local.tui.screens.main import MainScreen

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

    def __init__(
        self, board: Board, draft: Draft, recent: Sequence[Task], title: str, late: Callable[[Task], None]
    ) -> None:  # fmt: skip
        """`recent`: tasks, newest first, whose repositories, models and bases are offered; `title`: safe text.

        `late` hears of a task that came into the queue after esc had closed the dialog.
        """
        super().__init__()
        self._title, self._late = title, late
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
        self.set_focus(area if has_repo else self.query_one("#repo"))

    def action_back(self) -> None:
        self.dismiss((None, self._draft()))

    def action_submit(self) -> None:
        """esc does not wait for a repository or a queue that takes its time."""
        main, add = self.main, partial(self._board.add, self._draft())
        if main.in_thread("Adding", add, partial(self._added, main), partial(self._refused, main)):
            self.say(look.piece("Adding…"))

    def _added(self, main: MainScreen, added: tuple[Task, tuple[str, ...]]) -> None:
        task, warnings = added
        for warning in warnings:
            main.tell(in_here(warning, self.keymap), "warning")
        if self._dismissed:
            self._late(task)
        else:
            self.dismiss((task, Draft(repo=task.repo)))

    def _refused(self, main: MainScreen, error: PithyError) -> None:
        if self._dismissed:
            main.complain(error)
            return
        self.complain(error)
        for field in self.query("Input, TextArea"):
            if field.id == error.detail.get("field"):
                self.set_focus(field)


def _distinct(values: Iterable[str]) -> list[str]:
    """Each once, in order, as safe text, without the empty ones."""
    return [safe_line(value) for value in dict.fromkeys(values) if value]
