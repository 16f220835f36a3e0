"""What people are told: one short message, safe to show anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pithy_local.models import Attempt, Status, Task
from pithy_local.text import clip, markdown_inert, safe_line

MAX_TITLE = 100
MAX_TEXT = 1_500
"""Characters of an error's message or of a question: enough to decide whether to look now."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """`title` is one line, `body` plain text."""

    status: Status
    title: str
    body: str


def compose(task: Task, attempt: Attempt, status: Status, mask: Callable[[str], str]) -> Message:
    """The message about this attempt's end. `mask` hides secrets.

    What comes from users, models and servers is inert: it mentions nobody, links nowhere and is no markup.
    """
    title = f"pithy-local: {status.value}: {_line(task.title, mask)}"
    lines = [f"{status.value}: {_line(task.repo, mask)}"]
    if status is Status.COMPLETED:
        lines += [f"Branch: {task.branch}"] + (
            [f"Pull request: {safe_line(mask(attempt.pr_url))}"] if attempt.pr_url else []
        )
    elif attempt.error and status is not Status.CANCELLED:  # what a person has overruled is kept there, too
        asks = attempt.question if status is Status.NEEDS_CLARIFICATION else None
        lines += ["", f"The model asks: {_block(asks, mask)}" if asks else _block(attempt.error.message, mask)]
        lines += ["", _block(attempt.error.hint, mask)]
    lines += ["", f"To see more: pithy-local show {task.id}"]
    return Message(status=status, title=clip(title, MAX_TITLE), body="\n".join(lines))


def _line(text: str, mask: Callable[[str], str]) -> str:
    return markdown_inert(safe_line(mask(text)))


def _block(text: str, mask: Callable[[str], str]) -> str:
    return markdown_inert(clip(mask(text), MAX_TEXT))
