"""The filter of the task table: `status:failed repo:api !word`, every term must hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pithy_local.models import Status, Task

_WORDS = {
    Status.QUEUED: "queued", Status.RUNNING: "running", Status.COMPLETED: "done completed", Status.FAILED: "failed",
    Status.NEEDS_REVIEW: "review needs_review", Status.NEEDS_CLARIFICATION: "question needs_clarification",
    Status.CANCELLED: "cancelled",
}  # fmt: skip


def _status(task: Task, value: str) -> bool:
    return any(word.startswith(value) for word in _WORDS[task.status].split())


_FIELDS: dict[str, Callable[[Task, str], bool]] = {
    "status": _status,
    "repo": lambda task, value: value in task.repo.lower(),
    "model": lambda task, value: value in task.model.lower(),
    "branch": lambda task, value: value in task.branch.lower() or value in (task.base or "").lower(),
    "error": lambda task, value: task.error is not None and value in task.error.code,
    "executor": lambda task, value: task.executor.startswith(value),
    "id": lambda task, value: task.id.startswith(value),
}


@dataclass(frozen=True, kw_only=True)
class Term:
    """One word of a filter. `field` "" looks into title, repository, prompt and id; `values`: one of them must hold."""

    field: str
    values: tuple[str, ...]
    negated: bool

    def holds(self, task: Task) -> bool:
        test = _FIELDS.get(self.field, _anywhere)
        return any(test(task, value) for value in self.values) is not self.negated


def _anywhere(task: Task, value: str) -> bool:
    return any(value in text.lower() for text in (task.title, task.repo, task.id, task.prompt))


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter as typed; what is half typed (`status:`, `!`) does not count yet."""
    terms = []
    for word in text.lower().split():
        negated, word = word.startswith("!"), word.removeprefix("!")
        field, colon, value = word.partition(":")
        if not colon or field not in _FIELDS:
            field, value = "", word
        values = tuple(part for part in value.split(",") if part) if field else (value,)
        if values and values != ("",):
            terms.append(Term(field=field, values=values, negated=negated))
    return tuple(terms)


def passes(task: Task, terms: tuple[Term, ...]) -> bool:
    """Whether every term holds."""
    return all(term.holds(task) for term in terms)
