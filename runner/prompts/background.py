"""What the prompt tells beside the repository: earlier attempts, verify commands, a reviewer's findings.

Each has a share of the job's context budget; the repository gets what they leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runner.job import Command, Finding, Job, Past
from runner.prompts.template import filled
from runner.shell import TIMED_OUT
from runner.survey import BYTES_PER_TOKEN
from runner.verify import readable

_HISTORY_SHARE, _CHECKS_SHARE, _FINDINGS_SHARE = 0.3, 0.1, 0.1
_FINDING_BYTES = 600
_LEAST = 100
"""Bytes below which a piece of a text is not worth showing."""
_ROLES = {
    "question": "your question",
    "answer": "the author's answer to it",
    "patch": "the change you made",
    "problem": "why that was not enough",
    "feedback": "the author's feedback",
}


@dataclass(frozen=True, kw_only=True)
class Background:
    """Three sections of the prompt, "" where there is nothing to tell."""

    history: str
    checks: str
    findings: str

    @property
    def tokens(self) -> int:
        """Estimated tokens of all of it."""
        return int(len(f"{self.history}{self.checks}{self.findings}".encode("utf-8", "replace")) / BYTES_PER_TOKEN)


def background(job: Job) -> Background:
    """What the job tells beside the repository, inside its shares of `job.context_tokens`."""
    budget = job.context_tokens * BYTES_PER_TOKEN
    return Background(
        history=_section("history.md", _history(job.history, int(budget * _HISTORY_SHARE))),
        checks=_section("checks.md", _checks(job.verify, int(budget * _CHECKS_SHARE))),
        findings=_section("findings.md", _findings(job.findings, int(budget * _FINDINGS_SHARE))),
    )


def about(job: Job) -> str:
    """All that says where in the repository the task is: its own words, the author's later ones, paths met before."""
    said = [past.text for past in job.history if past.kind != "patch"]
    changed = [
        line.removeprefix("+++ b/")
        for past in job.history
        if past.kind == "patch"
        for line in past.text.split("\n")
        if line.startswith("+++ b/")
    ]
    return "\n".join([job.title, job.prompt, *changed, *said])


def _section(name: str, items: list[str]) -> str:
    return filled(name, items="\n\n".join(items)) if items else ""


def _history(history: tuple[Past, ...], budget: int) -> list[str]:
    """The latest of it, in order: what was said last counts most when not all of it fits."""
    items: list[str] = []
    for past in reversed(history):
        if budget < _LEAST:
            items.append("(What came before this is left out.)")
            break
        text = _beginning(past.text, budget)
        budget -= _size(text)
        items.append(f"<{past.kind}> ({_ROLES[past.kind]})\n{text}\n</{past.kind}>")
    return items[::-1]


def _checks(commands: tuple[Command, ...], budget: int) -> list[str]:
    failing = sum(command.base_exit != 0 for command in commands)
    return [_check(command, budget // max(failing, 1)) for command in commands]


def _check(command: Command, limit: int) -> str:
    if command.base_exit is None:
        return f"$ {command.command}\nwas not run on the base"
    if command.base_exit == 0:
        return f"$ {command.command}\npasses on the base"
    ended = "takes too long" if command.base_exit == TIMED_OUT else f"fails with exit code {command.base_exit}"
    output = readable(command.base_output, limit) if limit >= _LEAST else ""
    return f"$ {command.command}\n{ended} on the base" + (f". The end of its output:\n\n{output}" if output else "")


def _findings(findings: tuple[Finding, ...], budget: int) -> list[str]:
    return ["\n".join(_fitting(findings, budget))] if findings else []


def _fitting(findings: tuple[Finding, ...], budget: int) -> Iterator[str]:
    for number, finding in enumerate(findings):
        place = finding.path if finding.line is None else f"{finding.path}:{finding.line}"
        line = f"- {place} [{finding.severity}, {finding.source}] {_beginning(finding.text, _FINDING_BYTES)}"
        budget -= _size(line)
        if budget < 0:
            yield f"… and {len(findings) - number} more, less important"
            return
        yield line


def _beginning(text: str, limit: int) -> str:
    """At most about `limit` bytes of `text`, and a word that there was more."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode().strip("\n")
    return f"{raw[:limit].decode('utf-8', 'ignore')}\n[… {len(raw) - limit:,} bytes more]"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
