"""What the loop knows of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class Message:
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer. The token counts are the server's own, None where it says nothing; the host counts for itself."""

    text: str
    finish_reason: str
    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def truncated(self) -> bool:
        """Whether the model ran into its output limit: what there is must not be applied."""
        return self.finish_reason == "length"


class Provider(Protocol):
    """A model that can be asked. Implementations raise ProviderError, or AgentError when they have no answer left."""

    def ask(self, messages: Sequence[Message]) -> Reply:
        """Send the whole conversation and wait for the answer."""
        ...
