"""Saying it differently: the prompt of a task that nobody has begun yet."""

from __future__ import annotations

from pithy_local.models import Task
from pithy_local.service.adding import title_of
from pithy_local.service.app import App
from pithy_local.service.reading import find
from pithy_local.service.words import prompt_text
from pithy_local.store.edits import reword


def edit_prompt(app: App, ref: str, prompt: str) -> Task:
    """Give a queued task another prompt, and the title that follows from it unless it had one of its own.

    Raises UsageError for an empty or huge prompt, Refused once the task was started.
    """
    task = find(app, ref)
    text = prompt_text(app, prompt, "prompt")
    title = title_of(text) if task.title == title_of(task.prompt) else task.title
    return reword(app.store, task.id, title=title, prompt=text)
