"""Models behind one protocol: `openai` (any compatible server), `anthropic`, `scripted` (written replies, no model)."""

from __future__ import annotations

from collections.abc import Callable

from runner.job import Job, Model
from runner.providers.anthropic import AnthropicProvider
from runner.providers.base import Message, Provider, Reply
from runner.providers.fallback import Fallback
from runner.providers.openai import OpenAIProvider
from runner.providers.patient import Patient
from runner.providers.scripted import ScriptedProvider

__all__ = ["Message", "Provider", "Reply", "for_job"]

_GRACE, _PATIENCE = 1.1, 330.0
"""The gateway ends a call at the time limit, which does not run while a rate limit passes (300 s at most), and says so:
the SDK's own limit must not win that race."""


def for_job(job: Job, say: Callable[[str], None], host_was_away: Callable[[], bool]) -> Provider:
    """The provider that the job names; one that hands over to the fallback, and tells `say` so, where it names two.

    `host_was_away`: see `Patient`.
    """
    if job.model.provider == "scripted":
        return ScriptedProvider(job.replies)
    first = Patient(_asking(job, job.model), host_was_away)
    if job.fallback is None:
        return first
    return Fallback(first, Patient(_asking(job, job.fallback), host_was_away), say)


def _asking(job: Job, model: Model) -> Provider:
    timeout = job.call_timeout * _GRACE + _PATIENCE
    if model.provider == "anthropic":
        return AnthropicProvider(
            model=model.model, reasoning=job.reasoning, max_output_tokens=model.max_output_tokens, timeout=timeout
        )
    return OpenAIProvider(
        model=model.model,
        temperature=job.temperature,
        reasoning=job.reasoning,
        max_output_tokens=model.max_output_tokens,
        timeout=timeout,
    )
