"""The runner's job: all that the sandbox is told. Its other end is `runner/job.py`; a test holds the two together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import Struct

from pithy_local.config import seconds
from pithy_local.door.model_limits import max_output_tokens
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.lifecycle import services
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.outcome import NEEDS_REVIEW
from pithy_local.lifecycle.source import Source
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Attempt, Verified
from pithy_local.paths import expanded, read_limited
from pithy_local.store.tasks import Tasks
from pithy_local.text import clip

VERSION = 3
CONTEXT_TOKENS = 24_000
MAX_OUTPUT_TOKENS = 32_000
"""Providers count the limit that is asked for against the rate limit, and the ledger reserves it."""
MAX_REPLIES = 100_000_000
REPLIES_HINT = "`model.scripted.file` names a JSON array: strings, or objects with `text` and `finish_reason`."
MAX_HISTORY_TEXT = 20_000
"""Characters of one earlier patch or problem."""


def make(bench: Workbench, host: Host, source: Source, verified: Sequence[Verified]) -> dict[str, Any]:
    """The job without its paths, which the executor knows. `verified`: how the verify commands ended on the base.

    Raises PithyError (agent_failed) for scripted replies that cannot be read.
    """
    task, model, mask = host.lease.task, bench.settings.model, bench.redactor.mask
    fallback = services.fallback(bench, task.provider)
    if model.fallback and fallback is None and task.provider != "scripted":
        host.say(f"the fallback {model.fallback} cannot be asked: there is no key for it")
    return {
        "version": VERSION, "task": task.id, "attempt": task.attempts,
        "title": mask(task.title), "prompt": mask(task.prompt),
        "base": source.base, "base_sha": source.base_sha,
        "provider": task.provider, "model": task.model, "temperature": model.openai.temperature,
        "reasoning": model.reasoning, "max_output_tokens": _output_tokens(task.provider, task.model),
        "fallback": {"provider": fallback[0], "model": fallback[1]} if fallback else None,
        "fallback_max_output_tokens": _output_tokens(*fallback) if fallback else None,
        "replies": read_replies(model.scripted.file) if task.provider == "scripted" else [],
        "context_tokens": CONTEXT_TOKENS, "call_timeout": seconds(model.timeout), "repair_rounds": model.repair_rounds,
        "max_diff_bytes": services.MAX_DIFF_BYTES,
        "verify": [
            {"command": each.command, "base_exit": each.base_exit, "base_output": each.base_output}
            for each in verified
        ],
        "verify_timeout": seconds(bench.settings.verify_timeout),
        "history": [{"kind": kind, "text": mask(text)} for kind, text in _history(bench, host)],
        "findings": [{**each, "text": mask(each["text"])} for each in _findings(bench, host, source)],
    }  # fmt: skip


def _output_tokens(provider: str, model: str) -> int:
    """What one answer may have: the model's own limit, but no more than any change needs."""
    return min(max_output_tokens(provider, model), MAX_OUTPUT_TOKENS)


def _history(bench: Workbench, host: Host) -> Iterator[tuple[str, str]]:
    """What happened in the attempts before this one, in order: questions, answers, feedback, the last change."""
    attempts = Tasks(bench.store).attempts(host.lease.task.id)
    changed = [attempt.number for attempt in attempts[:-1] if attempt.patch is not None or _problem(attempt)]
    for before, after in pairwise(attempts):
        if before.question:
            yield "question", before.question
        if before.number == max(changed, default=0):
            yield from _change(bench, before)
        if after.feedback:
            yield "answer" if before.question else "feedback", after.feedback


def _change(bench: Workbench, attempt: Attempt) -> Iterator[tuple[str, str]]:
    """The diff that was made, and why it was not enough."""
    if attempt.patch is not None:
        try:
            with open(bench.home.root / attempt.patch.path, encoding="utf-8", errors="replace") as file:
                yield "patch", clip(file.read(2 * MAX_HISTORY_TEXT), MAX_HISTORY_TEXT)
        except OSError:
            pass  # somebody cleared the artifacts: the words are left
    if problem := _problem(attempt):
        yield "problem", problem


def _problem(attempt: Attempt) -> str:
    """What was wrong with a change; "" for what failed around the model, which is not its to know."""
    error = attempt.error
    if error is None or ErrorCode.of(error.code) not in NEEDS_REVIEW - {ErrorCode.AWAITING_REVIEW}:
        return ""
    detail = json.dumps(error.detail, ensure_ascii=False, indent=1) if error.detail else ""
    return clip(f"{error.message}\n{detail}".strip(), MAX_HISTORY_TEXT)


def _findings(bench: Workbench, host: Host, source: Source) -> list[dict[str, Any]]:
    """CodeRabbit's, most important first; a forge that cannot be asked for them does not keep the task."""
    slug = source.mirror.remote.slug
    if slug is None or not bench.settings.github.coderabbit:
        return []
    try:
        found = bench.forge().review_findings(slug, host.lease.task.branch, wait=host.wait)
    except PithyError as error:
        host.say(f"CodeRabbit's findings could not be read: {error.message}. Going on without them")
        return []
    if found:
        host.say(f"{len(found)} findings of CodeRabbit go to the model")
    return [asdict(finding) for finding in found]


class _Reply(Struct, frozen=True):
    """One reply as it was recorded; what else is recorded with it does not matter here."""

    text: str
    finish_reason: str = "stop"


def read_replies(file: str) -> list[dict[str, str]]:
    """The scripted provider's replies: a JSON array of strings, or of objects with `text` and maybe `finish_reason`.

    Raises PithyError(agent_failed) for a missing or wrong file.
    """
    try:
        replies = msgspec.json.decode(read_limited(expanded(file), MAX_REPLIES), type=list[str | _Reply])
    except (OSError, ValueError) as error:
        message = f"the scripted replies cannot be read: {error}"
        raise PithyError(ErrorCode.AGENT_FAILED, message, hint=REPLIES_HINT) from error
    return [msgspec.to_builtins(_Reply(text=reply) if isinstance(reply, str) else reply) for reply in replies]
