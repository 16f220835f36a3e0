"""A stream of server-sent events, line by line (WHATWG HTML, 9.2.6; one JSON document in each `data` line)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

MAX_LINE = 8 * 1024 * 1024
_LAST_TYPES = ("response.completed", "response.incomplete", "response.failed", "message_stop")


class LineTooLong(ValueError):
    """A line beyond MAX_LINE: no event of a model."""


class Lines:
    """Makes lines, each with its newline, of bytes in any portions."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that are whole now. Raises LineTooLong."""
        *whole, rest = data.split(b"\n")
        for line in whole:
            yield b"".join((*self._parts, line, b"\n"))
            self._parts, self._size = [], 0
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size > MAX_LINE:
            raise LineTooLong("a line of the stream is too long")


def data_of(line: bytes) -> bytes | None:
    """The value of a `data` line, None for any other."""
    return line[5:].strip() if line.startswith(b"data:") else None


def document_of(data: bytes) -> Mapping[str, Any] | None:
    """The event's JSON object, None where it is something else."""
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def is_last(data: bytes, document: Mapping[str, Any] | None) -> bool:
    """Whether nothing follows: `[DONE]` of chat completions, the closing events of responses and messages."""
    return data == b"[DONE]" or (document is not None and document.get("type") in _LAST_TYPES)


def is_whole(document: Mapping[str, Any]) -> bool:
    """Whether an event says why the model stopped: some servers send no closing event after it."""
    choices = document.get("choices")
    if isinstance(choices, list):
        return any(isinstance(choice, dict) and choice.get("finish_reason") for choice in choices)
    delta = document.get("delta")
    return isinstance(delta, dict) and bool(delta.get("stop_reason"))
