"""The job: what the host asks for, as one frozen record read from `job.json`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from runner.errors import JobError

VERSION = 1
PROVIDERS = ("openai", "scripted")


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
    provider: str
    model: str
    temperature: float | None
    """None: left out of the request."""
    replies: tuple[str, ...]
    """The scripted provider's answers, in order."""
    context_tokens: int
    """Budget for the repository's text in the prompt; a token is taken as 3.5 bytes."""
    max_output_tokens: int
    call_timeout: float
    """Seconds for one call of the model. The host's gateway owns this limit; ours only backs it up."""
    repair_rounds: int
    """Rounds after the first in which the model may mend an answer that was refused."""
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
        known = {field.name for field in fields(cls)}
        if wrong := sorted(known ^ raw.keys()):
            raise JobError(f"job keys missing or unknown: {', '.join(wrong)}")
        values = {name: _checked(name, raw[name]) for name in known}
        return cls(**values)


def _checked(name: str, value: Any) -> Any:
    """`value` as the field wants it, or JobError."""
    if name in _COUNTS:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= _COUNTS[name]
    elif name in ("temperature", "call_timeout"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        good = (number and (name != "call_timeout" or value > 0)) or (value is None and name == "temperature")
    elif name == "replies":
        good = isinstance(value, list) and all(isinstance(reply, str) for reply in value)
    else:
        good = isinstance(value, str) and _TEXTS[name].fullmatch(value) is not None
    if not good:
        raise JobError(f"job key {name!r} has a value it cannot have")
    return _CONVERSIONS.get(name, _same)(value)


def _same(value: Any) -> Any:
    return value


_ANY = re.compile(r"[\s\S]*")
_SOME = re.compile(r"[\s\S]*\S[\s\S]*")
_ABSOLUTE = re.compile(r"/[^\0]+")
_COUNTS = {
    "version": VERSION,
    "attempt": 1,
    "context_tokens": 1,
    "max_output_tokens": 1,
    "repair_rounds": 0,
    "max_diff_bytes": 1,
}
"""Lowest value of each whole number."""
_TEXTS = {
    "task": _SOME,
    "title": _ANY,
    "prompt": _SOME,
    "bundle": _ABSOLUTE,
    "repo": _ABSOLUTE,
    "base": re.compile(r"[^-\s\0][^\s\0]*"),  # never an option of git's
    "base_sha": re.compile(r"[0-9a-f]{40}"),
    "provider": re.compile("|".join(PROVIDERS)),
    "model": _ANY,
}
_CONVERSIONS = {"bundle": Path, "repo": Path, "replies": tuple, "call_timeout": float}
