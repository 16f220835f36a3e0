"""Written or recorded answers in their order: deterministic, no key, no tokens. For the demo, tests and replay."""

from __future__ import annotations

from collections.abc import Sequence

from runner.errors import AgentError
from runner.providers.base import Message, Reply


class ScriptedProvider:
    """Answers each question with the next reply, whatever was asked."""

    name = "scripted"

    def __init__(self, replies: Sequence[str]) -> None:
        self._replies = iter(replies)
        self._count = len(replies)

    def ask(self, messages: Sequence[Message]) -> Reply:
        """The next reply. Raises AgentError when there is none left."""
        del messages
        try:
            return Reply(text=next(self._replies), finish_reason="stop", input_tokens=0, output_tokens=0)
        except StopIteration:
            raise AgentError(f"the script has no more replies (it had {self._count})") from None
