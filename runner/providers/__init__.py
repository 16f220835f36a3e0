"""Models behind one protocol: `openai` (any compatible server) and `scripted` (written replies, no model)."""

from __future__ import annotations

from runner.job import Job
from runner.providers.base import Message, Provider, Reply
from runner.providers.openai import OpenAIProvider
from runner.providers.scripted import ScriptedProvider

__all__ = ["Message", "Provider", "Reply", "for_job"]


def for_job(job: Job) -> Provider:
    """The provider that the job names."""
    if job.provider == "scripted":
        return ScriptedProvider(job.replies)
    return OpenAIProvider(
        model=job.model,
        temperature=job.temperature,
        max_output_tokens=job.max_output_tokens,
        timeout=job.call_timeout,
    )
