"""`y`: what of a task can be copied, and bringing it to the clipboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pithy_local.models import LogLine, Task
from pithy_local.tui.models.diffrows import DiffRows
from pithy_local.tui.screens.choice import Choice

Thing = tuple[Choice, Callable[[], str]]
"""A line of the menu, and what is copied: asked for only then."""


def of_log(line: LogLine | None) -> list[Thing]:
    """What the cursor of the log is on."""
    return [(Choice(key="l", label="log line", about=line.text), lambda: line.text)] if line is not None else []


def of_diff(content: DiffRows | None, row: int) -> list[Thing]:
    """What the cursor of the diff is on: the place, the line and the hunk; a file's head stands for all of it."""
    if content is None or not len(content):
        return []
    place, hunk = content.place(row), content.hunk(row).decode("utf-8", "replace")
    found: list[Thing] = [(Choice(key="f", label="place", about=place), lambda: place)]
    if content.head(row) is not None:
        return [*found, (Choice(key="h", label="diff of the file", about=place), lambda: hunk)]
    line = content.diff.whole(content.line_at(row))
    found.append((Choice(key="l", label="line", about=line), lambda: line))
    return [*found, (Choice(key="h", label="hunk", about=hunk), lambda: hunk)]


def things(task: Task, here: Sequence[Thing], diff: Callable[[], str]) -> list[Thing]:
    """What there is to copy, with what the cursor is on. `diff` may block and raise PithyError."""
    found: list[Thing] = [
        (Choice(key="i", label="id", about=task.id), lambda: task.id),
        (Choice(key="b", label="branch", about=task.branch), lambda: task.branch),
    ]
    if task.pr_url:
        found.append((Choice(key="u", label="pull request", about=task.pr_url), lambda: task.pr_url or ""))
    if task.patch is not None:
        about = f"+{task.patch.added} −{task.patch.removed}, {task.patch.bytes:,} bytes"
        found.append((Choice(key="d", label="diff", about=about), diff))
    if task.error is not None:
        text = f"{task.error.code}: {task.error.message}\n{task.error.hint}"
        found.append((Choice(key="e", label="last error", about=text), lambda: text))
    found += here
    found.append((Choice(key="p", label="prompt", about=task.prompt), lambda: task.prompt))
    fetch = f"git fetch origin {task.branch} && git switch --detach FETCH_HEAD"
    found.append((Choice(key="g", label="git command", about=fetch), lambda: fetch))
    return found
