"""`y`: what of a task can be copied, and bringing it to the clipboard."""

from __future__ import annotations

from collections.abc import Callable

from pithy_local.models import LogLine, Task
from pithy_local.tui.screens.choice import Choice

Thing = tuple[Choice, Callable[[], str]]
"""A line of the menu, and what is copied: asked for only then."""


def things(task: Task, line: LogLine | None, diff: Callable[[], str]) -> list[Thing]:
    """What there is to copy. `diff` may block and raise PithyError."""
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
    if line is not None:
        found.append((Choice(key="l", label="log line", about=line.text), lambda: line.text))
    found.append((Choice(key="p", label="prompt", about=task.prompt), lambda: task.prompt))
    fetch = f"git fetch origin {task.branch} && git switch --detach FETCH_HEAD"
    found.append((Choice(key="g", label="git command", about=fetch), lambda: fetch))
    return found
