"""The job: what the host asks for, as one frozen record read from `job.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from runner.checks import Check, each, number, optional, record, text, whole, within
from runner.errors import JobError

VERSION = 3
Effort = Literal["low", "medium", "high"]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model that may be asked."""

    provider: str
    """openai | anthropic | scripted"""
    model: str
    max_output_tokens: int


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """An answer of the scripted provider."""

    text: str
    finish_reason: str
    """stop | length (it ran into the output limit) | …"""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A verify command, and how it ended on the base commit."""

    command: str
    base_exit: int | None
    """None: it was not run there. 124: it took too long."""
    base_output: str
    """The end of what it wrote there."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """Something that happened in an earlier attempt at the task."""

    kind: Literal["question", "answer", "feedback", "patch", "problem"]
    """The model's question; the user's answer or feedback; the diff made last; why that was not enough."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What an automated reviewer said of the code."""

    path: str
    line: int | None
    severity: str
    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """One attempt at one task. The host's side of this schema is its executor; a test holds the two together."""

    version: int
    task: str
    attempt: int
    title: str
    prompt: str
    bundle: Path
    """Bare repository with exactly one branch, depth-limited; stays where it is."""
    repo: Path
    """Where the work tree goes; does not exist yet."""
    base: str
    """Name of the branch in `bundle`."""
    base_sha: str
    """Commit the diff is made against, 40 hex digits."""
    model: Model
    fallback: Model | None
    """Asked once the first model's service fails."""
    temperature: float | None
    """None: left out of the request."""
    reasoning: Effort | None
    """How long a reasoning model thinks; None: the provider's default."""
    replies: tuple[Scripted, ...]
    """The scripted provider's answers, in order."""
    context_tokens: int
    """Budget for the prompt's background (repository, history, findings); a token is taken as 3.5 bytes."""
    call_timeout: float
    """Seconds for one call of the model. The host's gateway owns this limit; ours only backs it up."""
    repair_rounds: int
    """Rounds after the first in which the model may mend an answer that was refused or does not verify."""
    verify: tuple[Command, ...]
    verify_timeout: float
    """Seconds for one command."""
    history: tuple[Past, ...]
    """Oldest first."""
    findings: tuple[Finding, ...]
    """Most important first."""
    max_diff_bytes: int

    @classmethod
    def load(cls, path: Path) -> Job:
        """Read and check the job file. Raises JobError that names the key."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise JobError(f"{path.name} cannot be read: {error}") from error
        if not isinstance(raw, dict):
            raise JobError(f"{path.name} is not a JSON object")
        return cls.from_raw(raw)

    @classmethod
    def from_raw(cls, raw: dict[str, Any]) -> Job:
        """Check a decoded job object. Raises JobError that names the key."""
        if raw.get("version") != VERSION:
            raise JobError(f"job version {raw.get('version')!r}: this runner understands {VERSION}")
        if wrong := sorted(_KEYS.keys() ^ raw.keys()):
            raise JobError(f"job keys missing or unknown: {', '.join(wrong)}")
        try:
            values = {name: within(name, check, raw[name]) for name, check in _KEYS.items()}
            return cls(**_joined(values))
        except ValueError as error:
            raise JobError(f"job key {error}") from None


def _joined(values: dict[str, Any]) -> dict[str, Any]:
    """The job's keys as the fields of `Job`: what belongs to one model becomes one record."""
    model = Model(
        provider=values.pop("provider"), model=values.pop("model"), max_output_tokens=values.pop("max_output_tokens")
    )
    limit, fallback = values.pop("fallback_max_output_tokens"), values["fallback"]
    if fallback is not None:
        if not limit:
            raise ValueError("'fallback_max_output_tokens': the fallback needs it")
        values["fallback"] = Model(**fallback, max_output_tokens=limit)
    return values | {"model": model}


_SOME = text(r"[\s\S]*\S[\s\S]*")
_PATH = text(r"/[^\0]+")
_KEYS: dict[str, Check] = {
    "version": whole(VERSION),
    "task": _SOME,
    "attempt": whole(1),
    "title": text(),
    "prompt": _SOME,
    "bundle": lambda value: Path(_PATH(value)),
    "repo": lambda value: Path(_PATH(value)),
    "base": text(r"[^-\s\0][^\s\0]*"),  # never an option of git's
    "base_sha": text(r"[0-9a-f]{40}"),
    "provider": text("openai|anthropic|scripted"),
    "model": text(),
    "max_output_tokens": whole(1),
    "fallback": optional(record(dict, provider=text("openai|anthropic"), model=_SOME)),
    "fallback_max_output_tokens": optional(whole(0)),
    "temperature": optional(number()),
    "reasoning": lambda value: text("(?:low|medium|high)?")(value) or None,
    "replies": each(record(Scripted, text=text(), finish_reason=text())),
    "context_tokens": whole(1),
    "call_timeout": number(positive=True),
    "repair_rounds": whole(0),
    "verify": each(record(Command, command=_SOME, base_exit=optional(whole()), base_output=text())),
    "verify_timeout": number(positive=True),
    "history": each(record(Past, kind=text("question|answer|feedback|patch|problem"), text=text())),
    "findings": each(record(Finding, path=text(), line=optional(whole()), severity=text(), text=text(), source=text())),
    "max_diff_bytes": whole(1),
}
