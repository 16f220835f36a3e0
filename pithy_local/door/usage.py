"""Tokens of one call, counted from what passes by: the upstream's own `usage`, else an estimate by size.

OpenAI's shapes: `usage.prompt_tokens` / `completion_tokens` (chat completions, whole or in a stream's last chunk) and
`usage.input_tokens` / `output_tokens` (responses, whole or inside `response` of a stream's last event); both include
what came from the prompt cache. Anthropic's: `usage.input_tokens`, beside which the cached parts stand apart, in the
answer, or in a stream's `message_start`; `usage.output_tokens` counts up in `message_delta`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BYTES_PER_TOKEN = 3.5
_MOST = 1_000_000_000
"""A count above this is nonsense."""
_NO_TEXT = frozenset({"type", "id", "role", "object"})
"""Keys whose strings are the API's words, not the model's."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What a call cost. `input` includes `cache_read` and `cache_write`. `estimated`: the upstream did not say."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    estimated: bool = False


NOTHING = Tokens(input=0, output=0)


def estimate(size: int) -> int:
    """Tokens in `size` bytes, rounded up."""
    return math.ceil(size / BYTES_PER_TOKEN)


class Meter:
    """Counts one call. `sent` is the size of the request's body in bytes; `most_output` the limit it was sent with, in
    tokens: no estimate goes above it. None: it was sent without one."""

    def __init__(self, sent: int, most_output: int | None = None) -> None:
        self._sent = sent
        self._most_output = _MOST if most_output is None else most_output
        self._received = 0
        self._input = 0
        self._output = 0
        self._cache_read = 0
        self._cache_write = 0

    def see(self, document: Mapping[str, Any], *, part: bool = False) -> None:
        """Look at an answer (or, `part`, at one event of a stream) for its usage and for the size of its text."""
        keys = ("delta", "choices", "content_block") if part else ("choices", "output", "content")
        self._received += _text_size([document.get(key) for key in keys])
        for holder in (document, document.get("response"), document.get("message")):
            usage = holder.get("usage") if isinstance(holder, dict) else None
            if isinstance(usage, dict):
                # a stream of Anthropic's begins with a first guess at its output
                self._take(usage, written=document.get("type") != "message_start")

    def see_fragment(self, size: int) -> None:
        """`size` bytes of an answer that came to no end, and that nobody can read."""
        self._received += size

    def count(self, *, whole: bool) -> Tokens:
        """What the upstream reported; the estimate where it reported nothing, or was cut short before the last word.

        `whole`: the answer came to its end.
        """
        told = bool(self._input or self._output)
        if whole and told and (self._output or not self._received):
            return self.reported()
        written = max(self._output, min(estimate(self._received), self._most_output))
        return Tokens(
            input=self._input or estimate(self._sent), output=written, cache_read=self._cache_read,
            cache_write=self._cache_write, estimated=True,
        )  # fmt: skip

    def reported(self) -> Tokens:
        """What the upstream reported, nothing where it did not: for calls that it refused."""
        return Tokens(
            input=self._input, output=self._output, cache_read=self._cache_read, cache_write=self._cache_write
        )

    def _take(self, usage: Mapping[str, Any], *, written: bool) -> None:
        """Some servers repeat a growing usage in every chunk: the largest counts."""
        details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
        details = details if isinstance(details, dict) else {}
        apart = _number(usage, "cache_read_input_tokens"), _number(usage, "cache_creation_input_tokens")
        read = _number(usage, "prompt_tokens") or _number(usage, "input_tokens") + sum(apart)
        self._input = max(self._input, read)
        self._cache_read = min(max(self._cache_read, apart[0] or _number(details, "cached_tokens")), self._input)
        self._cache_write = min(
            max(self._cache_write, apart[1] or _number(details, "cache_write_tokens")), self._input - self._cache_read
        )
        if written:
            output = _number(usage, "completion_tokens") or _number(usage, "output_tokens")
            # some count hidden reasoning in the total alone
            self._output = max(self._output, output, _number(usage, "total_tokens") - read)


def _number(usage: Mapping[str, Any], key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST else 0


def _text_size(value: Any) -> int:
    """Bytes of the model's own strings in a JSON value."""
    size = 0
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            size += len(value.encode("utf-8", "replace"))
        elif isinstance(value, dict):
            todo.extend(inner for key, inner in value.items() if key not in _NO_TEXT)
        elif isinstance(value, list):
            todo.extend(value)
    return size
