from __future__ import annotations

import pytest

from pithy_local.door.model_limits import DEFAULT, max_output_tokens


@pytest.mark.parametrize(
    ("provider", "model", "tokens"),
    [
        ("openai", "gpt-6.2-astra", 128_000),
        ("openai", "gpt-5.4-mini", 128_000),
        ("openai", "gpt-5.2-chat-latest", 16_384),
        ("openai", "gpt-4.1-mini", 32_768),
        ("openai", "gpt-4o", 16_384),
        ("openai", "gpt-4o-mini-2024-07-18", 16_384),
        ("openai", "gpt-4o-2024-05-13", 4_096),
        ("openai", "gpt-4-turbo", 4_096),
        ("openai", "gpt-4", 8_192),
        ("openai", "o3-mini", 100_000),
        ("openai", "ft:gpt-4.1-2025-04-14:someone::abc", 32_768),
        ("anthropic", "claude-sonnet-5-5", 128_000),
        ("anthropic", "claude-opus-4-8", 128_000),
        ("anthropic", "claude-sonnet-4-6", 128_000),
        ("anthropic", "claude-sonnet-4-5-20250929", 64_000),
        ("anthropic", "claude-opus-4-1-20250805", 32_000),
        ("openai", "anthropic/claude-sonnet-5-5", 128_000),
        ("openai", "openai/gpt-6-sol", 128_000),
        ("openai", "accounts/someone/models/gpt-6", DEFAULT),
        ("openai", "llama-3.3-70b", DEFAULT),
        ("openai", "claude-sonnet-5-5", DEFAULT),
        ("scripted", "scripted", DEFAULT),
        ("openai", "", DEFAULT),
    ],
)
def test_the_longest_beginning_that_fits_counts(provider: str, model: str, tokens: int) -> None:
    assert max_output_tokens(provider, model) == tokens
