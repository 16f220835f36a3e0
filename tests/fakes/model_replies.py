"""What the fake model may answer: good replies and every kind of bad one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.fakes.loopback import Gate


@dataclass(frozen=True, kw_only=True)
class ApiError:
    """The `error` object of an OpenAI-style answer. Anthropic's API shows its message, and a type by the status."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of the fake model: by default a whole, good one."""

    text: str = ""
    finish_reason: str = "stop"
    """OpenAI's word (stop | length | …); Anthropic's API says its own for it."""
    prompt_tokens: int = 10
    """All that was read, the cached parts included."""
    completion_tokens: int = 5
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reports_usage: bool = True
    """False: leave the usage out, as some compatible servers do."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: ApiError | None = None
    """Answer this error object with `status` instead of a completion."""
    raw: bytes | None = None
    """Send these bytes as the body, labelled JSON, instead of anything shaped."""
    flood: int = 0
    """Send this many bytes of nothing (no Content-Length) instead of anything shaped."""
    pieces: tuple[str, ...] | None = None
    """How a stream cuts `text` up; by default every 24 characters."""
    delay: float = 0.0
    """Seconds to wait; ended early when the client leaves or the fake stops."""
    gate: Gate | None = None
    """Wait here until the test releases it; ended early like `delay`."""
    stall_after: int = 0
    """In a stream: `delay` and `gate` are met after this many pieces instead of before the answer."""
    cut_after: int | None = None
    """Cut the connection after this many pieces (stream) or bytes of the body (otherwise)."""


def pieces_of(reply: Reply) -> Sequence[str]:
    """How a stream cuts the text up."""
    return reply.pieces if reply.pieces is not None else re.findall(r"(?s).{1,24}", reply.text)


def unauthorized() -> Reply:
    """The key is wrong, although the right one was sent: revoked in between."""
    error = ApiError(message="Incorrect API key provided.", type="invalid_request_error", code="invalid_api_key")
    return Reply(status=401, error=error)


def rate_limited(retry_after: int | str | None = 1, *, ms: int | None = None) -> Reply:
    """429; `retry_after` in seconds or as an HTTP date, None leaves the header out; `ms` adds `retry-after-ms`."""
    error = ApiError(message="Rate limit reached for requests.", type="requests", code="rate_limit_exceeded")
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(status=429, error=error, headers=headers if ms is None else headers | {"retry-after-ms": str(ms)})


def out_of_quota() -> Reply:
    """429 that no waiting mends: the account is empty."""
    words = "You exceeded your current quota, please check your plan and billing details."
    return Reply(status=429, error=ApiError(message=words, type="insufficient_quota", code="insufficient_quota"))


def server_error(status: int = 500) -> Reply:
    """The service itself fails."""
    words = "The server had an error while processing your request."
    return Reply(status=status, error=ApiError(message=words, type="server_error"))


def overloaded() -> Reply:
    """529, Anthropic's word for too many requests of everybody's: no limit of this account's."""
    return Reply(status=529, error=ApiError(message="Overloaded", type="server_error"))


def context_exceeded() -> Reply:
    """400: the prompt is longer than the model's context."""
    words = "This model's maximum context length is 128000 tokens."
    error = ApiError(message=words, type="invalid_request_error", code="context_length_exceeded", param="messages")
    return Reply(status=400, error=error)


def hang(gate: Gate | None = None) -> Reply:
    """Take the request and say nothing until the gate (`reply.gate`) is released or the fake stops."""
    return Reply(gate=gate or Gate(), text="late")


def cut(text: str = "an answer that never ends well", after: int = 10) -> Reply:
    """Announce a good answer and close the connection in the middle of it."""
    return Reply(text=text, cut_after=after)


def truncated(text: str = "Hel") -> Reply:
    """A good answer that ran into the output limit."""
    return Reply(text=text, finish_reason="length")


def nonsense() -> Reply:
    """200 with a body that is no JSON."""
    return Reply(raw=b"<html><body>Welcome to the proxy</body></html>")


def flood(size: int) -> Reply:
    """200 with a body of `size` bytes and no end in sight."""
    return Reply(flood=size)
