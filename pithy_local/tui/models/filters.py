"""The filter of the task table: `status:failed repo:api !word "two words"`, every term must hold."""

from __future__ import annotations

import re
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


_WORD = re.compile(r"""(?P<not>!?)(?:(?P<field>\w+):(?=\S))?(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))""")
"""One term as typed; a phrase that is still being typed has no quote at its end."""
_FIELDS: dict[str, Callable[[Task, str], bool]] = {
    "status": _status,
    "repo": lambda task, value: value in task.repo.lower(),
    "model": lambda task, value: value in task.model.lower(),
    "branch": lambda task, value: value in task.branch.lower() or value in (task.base or "").lower(),
    "error": lambda task, value: task.error is not None and value in task.error.code,
    "executor": lambda task, value: task.executor.startswith(value),
    "id": lambda task, value: task.id.startswith(value),
    "title": lambda task, value: value in task.title.lower(),
    "prompt": lambda task, value: value in task.prompt.lower(),
    "pr": lambda task, value: str(task.pr_number or "").startswith(value),
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
    for found in _WORD.finditer(text.lower()):
        field, value = found["field"] or "", found["phrase"] if found["phrase"] is not None else found["word"]
        if field and field not in _FIELDS:
            field, value = "", f"{field}:{value}"
        several = field and found["phrase"] is None
        values = tuple(part for part in (value.split(",") if several else [value]) if part)
        half_typed = found.group() == "!" or (value.endswith(":") and value[:-1] in _FIELDS)
        if values and not half_typed:
            terms.append(Term(field=field, values=values, negated=bool(found["not"])))
    return tuple(terms)


def problem(text: str) -> str:
    """What in this filter cannot be meant so, in words; "" where nothing is wrong."""
    for found in _WORD.finditer(text.lower()):
        field = found["field"]
        if field and field not in _FIELDS:
            return f"no field {field}: {' '.join(_FIELDS)}"
    states = " ".join(_WORDS.values()).split()
    for term in parse(text):
        if term.field == "status" and not any(word.startswith(value) for word in states for value in term.values):
            return f"no state {','.join(term.values)}: {' '.join(words.split()[0] for words in _WORDS.values())}"
    return ""


def passes(task: Task, terms: tuple[Term, ...]) -> bool:
    """Whether every term holds."""
    return all(term.holds(task) for term in terms)
