"""`n`: repository, prompt, base. What was written survives esc."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Footer, Input, Label, Static, TextArea

from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.text import safe_block, safe_line
from pithy_local.tui import actions
from pithy_local.tui.board import Board, Draft

BASE = "the repository's default branch"
HEIGHTS: list[tuple[int, str]] | None = [(0, "-low"), (30, "-high")]
PROMPT = "The first line becomes the title of the commit and of the pull request."


class SafeInput(Input):
    """An Input that takes no escape sequence from the clipboard: Textual would hand it to the terminal."""

    def on_paste(self, event: events.Paste) -> None:
        event.text = safe_line(event.text)  # Textual calls Input's own handler next, with this event


class SafeTextArea(TextArea):
    """A TextArea with the same guard; lines stay lines."""

    def on_paste(self, event: events.Paste) -> None:
        event.text = safe_block(event.text.replace("\r\n", "\n").replace("\r", "\n"))


class RepoInput(SafeInput):
    """Suggests recent repositories while you type; up and down go through them."""

    def __init__(self, value: str, recent: Sequence[str]) -> None:
        super().__init__(
            value=value, id="repo", placeholder="owner/name, https URL or local path",
            suggester=SuggestFromList(recent, case_sensitive=False), compact=True,
        )  # fmt: skip
        self._recent = list(recent)

    def on_key(self, event: events.Key) -> None:
        if event.key not in ("up", "down") or not self._recent:
            return
        event.stop()
        step = 1 if event.key == "down" else -1
        at = self._recent.index(self.value) + step if self.value in self._recent else 0
        self.value = self._recent[at % len(self._recent)]
        self.cursor_position = len(self.value)


class NewTaskScreen(ModalScreen[tuple[Task | None, Draft]]):
    """Dismissed with the queued task or None, and with the draft to keep for the next time."""

    BINDINGS = actions.bindings(actions.Place.NEW_TASK)
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

    def __init__(self, board: Board, draft: Draft, recent: Sequence[str]) -> None:
        super().__init__()
        self._board = board
        self._start = draft
        self._recent = [safe_line(repo) for repo in recent]
        self._adding = False

    def _draft(self) -> Draft:
        return Draft(
            repo=self.query_one("#repo", Input).value,
            prompt=self.query_one(TextArea).text,
            base=self.query_one("#base", Input).value,
        )

    def compose(self) -> ComposeResult:
        repo = self._start.repo or (self._recent[0] if self._recent else "")
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = Content("New task")
            yield Label("Repository" + ("  (↑ ↓ recent ones)" if self._recent else ""))
            yield RepoInput(repo, self._recent)
            yield Label("What should change?")
            yield SafeTextArea(self._start.prompt, id="prompt", placeholder=PROMPT)
            yield Label("Base branch")
            yield SafeInput(self._start.base, id="base", placeholder=BASE, compact=True)
            yield Static(id="problem")
            yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        has_repo = bool(self.query_one("#repo", Input).value)
        self.query_one("#prompt" if has_repo else "#repo").focus()

    def action_leave(self) -> None:
        if not self._adding:
            self.dismiss((None, self._draft()))

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
