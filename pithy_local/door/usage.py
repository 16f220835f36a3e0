"""Tokens of one call, counted from what passes by: the upstream's own `usage`, else an estimate by size.

OpenAI's shapes: `usage.prompt_tokens` / `completion_tokens` (chat completions, whole or in a stream's last chunk) and
`usage.input_tokens` / `output_tokens` (responses, whole or inside `response` of a stream's last event).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BYTES_PER_TOKEN = 3.5
_MOST = 1_000_000_000
"""A count above this is nonsense."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What a call cost. `estimated`: the upstream did not say."""

    input: int
    output: int
    estimated: bool = False


NOTHING = Tokens(input=0, output=0)


class Meter:
    """Counts one call. `sent` is the size of the request's body in bytes."""

    def __init__(self, sent: int) -> None:
        self._sent = sent
        self._received = 0
        self._input = 0
        self._output = 0

    def see(self, document: Mapping[str, Any], *, part: bool = False) -> None:
        """Look at an answer (or, `part`, at one event of a stream) for its usage and for the size of its text."""
        keys = ("delta", "choices") if part else ("choices", "output")
        self._received += _text_size([document.get(key) for key in keys])
        response = document.get("response")
        for holder in (document, response if isinstance(response, dict) else {}):
            usage = holder.get("usage")
            if isinstance(usage, dict):
                self._take(usage)

    def count(self) -> Tokens:
        """What the upstream reported; where it reported nothing, the estimate."""
        if self._input or self._output:
            return Tokens(input=self._input, output=self._output)
        return Tokens(input=_estimate(self._sent), output=_estimate(self._received), estimated=True)

    def reported(self) -> Tokens:
        """What the upstream reported, nothing where it did not: for calls that it refused."""
        return Tokens(input=self._input, output=self._output)

    def _take(self, usage: Mapping[str, Any]) -> None:
        """Some servers repeat a growing usage in every chunk: the largest counts."""
        read = _number(usage, "prompt_tokens") or _number(usage, "input_tokens")
        written = _number(usage, "completion_tokens") or _number(usage, "output_tokens")
        # some count hidden reasoning in the total alone
        written = max(written, _number(usage, "total_tokens") - read)
        self._input = max(self._input, read)
        self._output = max(self._output, written)


def _number(usage: Mapping[str, Any], key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST else 0


def _estimate(size: int) -> int:
    return math.ceil(size / BYTES_PER_TOKEN)


def _text_size(value: Any) -> int:
    """Bytes of all strings in a JSON value."""
    size = 0
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            size += len(value.encode("utf-8", "replace"))
        elif isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)
    return size
