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
    provider: str = ""
    """The one provider that it is for; "" = all of them."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer. The token counts are the server's own, None where it says nothing; the host counts for itself."""

    text: str
    finish_reason: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    provider: str = ""
    """Whose words these are: provider and model as the job names them."""
    model: str = ""

    @property
    def truncated(self) -> bool:
        """Whether the model ran into its output limit: what there is must not be applied."""
        return self.finish_reason == "length"


class Provider(Protocol):
    """A model that can be asked. Implementations raise ProviderError, or AgentError when they have no answer left."""

    @property
    def name(self) -> str:
        """Provider and model, for people."""
        ...

    def ask(self, messages: Sequence[Message]) -> Reply:
        """Send the whole conversation and wait for the answer."""
        ...


def meant_for(provider: str, messages: Sequence[Message]) -> list[Message]:
    """Those of `messages` that `provider` gets."""
    return [message for message in messages if message.provider in ("", provider)]


def clean(text: str) -> str:
    """A model's text as it can be stored and sent on: JSON may hold lone surrogates."""
    return text.encode("utf-8", "replace").decode()
