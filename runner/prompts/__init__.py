"""The words to the model.

template     the text files of this folder, filled in
background   earlier attempts, verify commands and findings, each inside its budget
"""

from __future__ import annotations

from collections.abc import Sequence

from runner.errors import PatchRefused, SyntaxBroken, VerifyFailed
from runner.job import Job
from runner.prompts.background import Background, about, background
from runner.prompts.template import filled
from runner.providers.base import Message, Reply
from runner.survey import SourceFile, Survey

__all__ = ["Background", "about", "background", "go_on", "opening", "repair", "shown"]

_WHAT: dict[type[Exception], str] = {VerifyFailed: "broken.md", SyntaxBroken: "unparsable.md"}


def opening(job: Job, told: Background, survey: Survey) -> list[Message]:
    """The conversation's start: who the model is, then the task with its background and the repository as surveyed."""
    too_large = "\n".join(survey.too_large)
    task = filled(
        "task.md",
        title=job.title or job.prompt.strip().split("\n", 1)[0][:72],
        prompt=job.prompt,
        history=told.history,
        checks=told.checks,
        findings=told.findings,
        tree=survey.tree,
        outline=f"\n## Defined in files not shown whole\n\n{survey.outline}\n" if survey.outline else "",
        guides=_section("The project's guides", survey.guides),
        files=_section("Files", survey.files),
        too_large=f"\nRelevant, but too large to show (do not change them):\n{too_large}\n" if too_large else "",
    )
    return [
        Message(role="system", text=filled("system.md")),
        Message(role="system", text=filled("anthropic.md"), provider="anthropic"),
        Message(role="user", text=task),
    ]


def repair(
    reply: Reply, problem: PatchRefused | SyntaxBroken | VerifyFailed, unseen: Sequence[SourceFile]
) -> list[Message]:
    """The next exchange after an answer that was not good enough; `unseen` are files that matter to mend it."""
    what = _WHAT.get(type(problem), "truncated.md" if reply.truncated else "refused.md")
    files = _section("Files you have not seen yet", unseen)
    return _exchange(reply, filled("repair.md", what=filled(what), reason=problem.message, files=files))


def shown(reply: Reply, files: Sequence[SourceFile], notes: Sequence[str], *, again: bool) -> list[Message]:
    """The next exchange after a request for files; `again`: whether there may be one more."""
    may = "If you still miss a file you may ask once more; otherwise answer" if again else "Answer"
    told = "\n".join(f"- {note}" for note in notes)
    words = filled(
        "shown.md",
        notes=f"\n{told}\n" if told else "",
        files=_section("Files you asked for", files),
        again=f"{may} the task now, with one unified diff.",
    )
    return _exchange(reply, words)


def go_on(reply: Reply, last: str) -> list[Message]:
    """The next exchange after an answer that ran into the output limit; `last`: the lines to repeat."""
    return _exchange(reply, filled("continue.md", last=last))


def _exchange(reply: Reply, words: str) -> list[Message]:
    said = reply.text if reply.text.strip() else "(an empty answer)"  # no API takes a message without text
    return [Message(role="assistant", text=said), Message(role="user", text=words)]


def _section(title: str, files: Sequence[SourceFile]) -> str:
    if not files:
        return ""
    return f"\n## {title}\n\n" + "\n".join(_framed(file) for file in files)


def _framed(file: SourceFile) -> str:
    part = "" if file.whole else ' excerpt="yes"'
    if file.text.endswith("\n"):
        return f'<file path="{file.path}"{part}>\n{file.text}</file>\n'
    return f'<file path="{file.path}"{part} newline_at_end="no">\n{file.text}\n</file>\n'
