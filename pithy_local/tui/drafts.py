"""A task as the user writes it, read; and a task that is there, written as one would."""

from __future__ import annotations

from pithy_local.errors import UsageError
from pithy_local.models import Task
from pithy_local.service import AddRequest
from pithy_local.text import clip
from pithy_local.tui.records import Draft

SEPARATOR = ";;"
UNISOLATED = "unisolated"
"""Behind the executor: model-written code may run without isolation."""


def request_of(draft: Draft) -> AddRequest:
    """`after`: its first word is the id. Raises UsageError for a priority or a limit that is no number."""
    executor, _, how = draft.executor.strip().partition(" ")
    unisolated = how.strip() == UNISOLATED
    return AddRequest(
        prompt=draft.prompt, repo=draft.repo.strip(), base=draft.base.strip() or None,
        executor=(executor if unisolated else draft.executor.strip()) or None, unisolated=unisolated,
        provider=draft.provider.strip() or None, model=draft.model.strip() or None,
        publish=draft.publish.strip() or None,
        verify=tuple(part.strip() for part in draft.verify.split(SEPARATOR) if part.strip()),
        priority=_number(draft.priority, "priority") or 0, max_tokens=_number(draft.max_tokens, "max_tokens"),
        after=next(iter(draft.after.split()), None), at=draft.at.strip() or None,
    )  # fmt: skip


def draft_of(task: Task) -> Draft:
    """A new task like this one, which may start at once."""
    return Draft(
        repo=task.repo, prompt=task.prompt, base=task.base or "", model=task.model, provider=task.provider,
        executor=f"{task.executor} {UNISOLATED}" if task.unisolated else task.executor, publish=task.publish,
        verify=f" {SEPARATOR} ".join(task.verify_commands), priority=str(task.priority or ""),
        max_tokens=str(task.max_tokens or ""), after=task.after or "",
    )  # fmt: skip


def _number(typed: str, field: str) -> int | None:
    try:
        return int(typed) if typed.strip() else None
    except ValueError:
        raise UsageError(
            f"{field}: `{clip(typed, 40)}` is no number", hint="Give a whole number.", field=field
        ) from None
