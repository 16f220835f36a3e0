"""`y`: what of a task can be copied. Only the diff is copied as it is: the rest is safe in any terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from pithy_local.models import LogLine, Task
from pithy_local.text import clip, last_segment, safe_block
from pithy_local.tui import actions, look
from pithy_local.tui.actions import Place
from pithy_local.tui.models.diffrows import DiffRows
from pithy_local.tui.screens.dialog import Dialog

SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A line of the menu: its name in the table of actions, untrusted words about it, and what reads the text."""

    name: str
    about: str
    read: Callable[[], str]

    @property
    def label(self) -> str:
        return actions.BY_ID[f"copy.{self.name}"].label


def of_log(line: LogLine | None) -> list[Thing]:
    """What the cursor of the log is on."""
    return [_text("line", line_text(line))] if line is not None else []


def of_diff(content: DiffRows | None, row: int) -> list[Thing]:
    """What the cursor of the diff is on: the place, the line and the hunk; a file's head stands for all of it."""
    if content is None or not len(content):
        return []
    hunk = content.hunk(row).decode("utf-8", "replace")
    found = [_text("place", content.place(row)), Thing(name="hunk", about=hunk, read=lambda: hunk)]
    if content.head(row) is None:
        found.append(_text("line", content.diff.whole(content.line_at(row))))
    return found


def things(task: Task, here: Sequence[Thing], diff: Callable[[], str], ids: Sequence[str] = ()) -> list[Thing]:
    """What there is to copy, with what the cursor is on (`here`). `diff` may block and raise PithyError; `ids`: of the
    marked tasks, if there are some."""
    found = [_text("id", "\n".join(ids or [task.id])), _text("branch", task.branch)]
    if task.pr_url:
        found.append(_text("pr", task.pr_url))
    if task.patch is not None:
        found.append(Thing(name="diff", about=f"{look.change(task.patch)}, {task.patch.bytes:,} bytes", read=diff))
    if task.error is not None:
        found.append(_text("error", f"{task.error.code}: {task.error.message}\n{task.error.hint}"))
    found += here
    found.append(_text("prompt", task.prompt))
    if task.head_sha is not None:
        found.append(_text("git", _fetch(task)))
    return found


def line_text(line: LogLine) -> str:
    """A log line as it is copied: what was overwritten and what would act in a terminal is gone."""
    return safe_block(last_segment(line.text))


def _text(name: str, text: str) -> Thing:
    text = safe_block(text)
    return Thing(name=name, about=text, read=lambda: text)


def _fetch(task: Task) -> str:
    """`origin`, unless the repository is a folder: then a clone of it need not have it as such."""
    remote = shlex.quote(task.repo) if task.repo.startswith("/") else "origin"
    return f"git fetch {remote} {shlex.quote(task.branch)} && git switch --detach FETCH_HEAD"


class CopyScreen(Dialog[Thing]):
    """Dismissed with what is to be copied."""

    PLACE = Place.COPY
    PROSE: ClassVar[str] = (
        "The desktop's own clipboard takes it where there is one, else the terminal does, and what is too long for "
        "that goes into a file. Escape sequences are taken out of everything but the diff."
    )

    def __init__(self, things: Sequence[Thing]) -> None:
        super().__init__()
        self._things = things

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content("Copy")
            yield OptionList(*(Option(self._option(thing)) for thing in self._things))
            yield from self.foot()

    def _option(self, thing: Thing) -> Text:
        shown = look.piece(f" {self.keymap.key(f'copy.{thing.name}')} ", "bold cyan").append(f" {thing.label:<14}")
        return shown.append_text(look.line(clip(thing.about, SHOWN), look.MUTED))

    def action_take(self, name: str) -> None:
        for thing in self._things:
            if thing.name == name:
                self.dismiss(thing)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._things[event.option_index])
