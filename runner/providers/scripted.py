"""Written or recorded answers in their order: deterministic, no key, no tokens. For the demo, tests and replay."""

from __future__ import annotations

from collections.abc import Sequence

from runner.errors import AgentError
from runner.job import Scripted
from runner.providers.base import Message, Reply


class ScriptedProvider:
    """Answers each question with the next reply, whatever was asked."""

    name = "scripted"

    def __init__(self, replies: Sequence[Scripted]) -> None:
        self._replies = iter(replies)
        self._count = len(replies)

    def ask(self, messages: Sequence[Message]) -> Reply:
        """The next reply. Raises AgentError when there is none left."""
        del messages
        reply = next(self._replies, None)
        if reply is None:
            raise AgentError(f"the script has no more replies (it had {self._count})")
        return Reply(
            text=reply.text, finish_reason=reply.finish_reason, input_tokens=0, output_tokens=0, provider="scripted"
        )
