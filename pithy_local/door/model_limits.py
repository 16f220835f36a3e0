"""How many tokens a model can write in one answer, hidden reasoning included (the providers' model pages, 2026-11)."""

from __future__ import annotations

DEFAULT = 8_192
"""For a model that is not in the table: few servers refuse it, and few patches are longer."""

_LIMITS = {
    "openai": {
        "gpt-6": 128_000,
        "gpt-5": 128_000,
        "gpt-5-pro": 272_000,
        "gpt-5-chat": 16_384,
        "gpt-5.1-chat": 16_384,
        "gpt-5.2-chat": 16_384,
        "gpt-5.3-chat": 16_384,
        "gpt-4.1": 32_768,
        "gpt-4o": 16_384,
        "gpt-4o-2024-05-13": 4_096,
        "chatgpt-4o": 16_384,
        "gpt-4-turbo": 4_096,
        "gpt-4-1106": 4_096,
        "gpt-4-0125": 4_096,
        "gpt-3.5-turbo": 4_096,
        "o4-mini": 100_000,
        "o3": 100_000,
        "o1": 100_000,
        "codex-mini": 100_000,
    },
    "anthropic": {
        "claude-fable": 128_000,
        "claude-mythos": 128_000,
        "claude-opus-5": 128_000,
        "claude-sonnet-5": 128_000,
        "claude-haiku-5": 128_000,
        "claude-opus-4-8": 128_000,
        "claude-opus-4-7": 128_000,
        "claude-opus-4-6": 128_000,
        "claude-sonnet-4-6": 128_000,
        "claude-opus-4-5": 64_000,
        "claude-sonnet-4": 64_000,
        "claude-haiku-4": 64_000,
        "claude-3-7-sonnet": 64_000,
        "claude-opus-4": 32_000,
        "claude-3-opus": 4_096,
        "claude-3-haiku": 4_096,
    },
}
"""By the beginning of the model's name; the longest that fits counts."""


def max_output_tokens(provider: str, model: str) -> int:
    """The longest answer of `model`, in tokens; DEFAULT for one that is not known.

    Resellers put the maker in front (`anthropic/claude-sonnet-5`): then that table is asked. A fine-tuned model of
    OpenAI's (`ft:gpt-4.1:…`) writes as much as the one it was made from.
    """
    maker, _, name = model.removeprefix("ft:").rpartition("/")
    limits = _LIMITS.get(maker or provider, {})
    fitting = [prefix for prefix in limits if name.startswith(prefix)]
    return limits[max(fitting, key=len)] if fitting else DEFAULT
