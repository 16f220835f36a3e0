"""The words to the model: the files beside this one, filled in. Values are never expanded themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

from runner.errors import PatchRefused
from runner.job import Job
from runner.providers.base import Message
from runner.survey import SourceFile, Survey

_HERE = Path(__file__).parent


def opening(job: Job, survey: Survey) -> list[Message]:
    """The conversation's start: who the model is, then the task with the repository as surveyed."""
    too_large = "\n".join(survey.too_large)
    task = _filled(
        "task.md",
        title=job.title or job.prompt.strip().split("\n", 1)[0][:72],
        prompt=job.prompt,
        tree=survey.tree,
        guides=_section("The project's guides", survey.guides),
        files=_section("Files", survey.files),
        too_large=f"\nRelevant, but too large to show (do not change them):\n{too_large}\n" if too_large else "",
    )
    return [Message(role="system", text=_filled("system.md")), Message(role="user", text=task)]


def repair(answer: str, refusal: PatchRefused, more: Sequence[SourceFile]) -> list[Message]:
    """The next exchange after a refused answer; `more` are files it meant and had not been shown."""
    words = _filled("repair.md", reason=refusal.message, files=_section("Files you have not seen yet", more))
    return [Message(role="assistant", text=answer), Message(role="user", text=words)]


def _filled(name: str, **values: str) -> str:
    return Template((_HERE / name).read_text(encoding="utf-8")).substitute(values)


def _section(title: str, files: Sequence[SourceFile]) -> str:
    if not files:
        return ""
    return f"\n## {title}\n\n" + "\n".join(_framed(file) for file in files)


def _framed(file: SourceFile) -> str:
    if file.text.endswith("\n"):
        return f'<file path="{file.path}">\n{file.text}</file>\n'
    return f'<file path="{file.path}" newline_at_end="no">\n{file.text}\n</file>\n'
