"""What the sandbox may ask of the models' providers; there is nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from pithy_local.door import anthropic_api, openai_api
from pithy_local.door.admission import Judge


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address. `route`: as the sandbox asks; `path`: what follows the upstream's base URL; `judge`: of its body,
    None for one that has none (GET); `free`: it costs nothing and counts as no call."""

    provider: str
    route: str
    path: str
    judge: Judge | None = None
    free: bool = False


ENDPOINTS = (
    Endpoint(
        provider="openai", route="/openai/v1/chat/completions", path="/chat/completions", judge=openai_api.chat
    ),
    Endpoint(provider="openai", route="/openai/v1/responses", path="/responses", judge=openai_api.response),
    Endpoint(provider="openai", route="/openai/v1/embeddings", path="/embeddings", judge=openai_api.embedding),
    Endpoint(provider="openai", route="/openai/v1/models", path="/models", free=True),
    Endpoint(
        provider="anthropic", route="/anthropic/v1/messages", path="/v1/messages", judge=anthropic_api.message
    ),
    Endpoint(
        provider="anthropic", route="/anthropic/v1/messages/count_tokens", path="/v1/messages/count_tokens",
        judge=anthropic_api.token_count, free=True,
    ),
    Endpoint(provider="anthropic", route="/anthropic/v1/models", path="/v1/models", free=True),
)  # fmt: skip
