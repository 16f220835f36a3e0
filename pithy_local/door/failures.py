"""What the gateway saw go wrong with a call: error codes a task can fail with, and what the provider said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_MESSAGE = 500
"""Characters kept of what an upstream said."""


@dataclass(frozen=True)
class Failure:
    """`code`: llm_auth | llm_rate_limit | llm_service | llm_timeout | token_limit.

    `detail` may hold `http_status` and `message`, the upstream's own words, bounded and without the key.
    """

    code: str
    message: str
    detail: dict[str, Any]


def upstream_said(status: int, words: str) -> Failure:
    """The failure that an upstream's error status means."""
    detail = {"http_status": status, "message": words[:MOST_MESSAGE]}
    if status in (401, 403):
        return Failure("llm_auth", f"the model's provider refused the API key (HTTP {status})", detail)
    if status == 429:
        return Failure("llm_rate_limit", "the model's provider limits the rate (HTTP 429)", detail)
    if status in (408, 504):
        return Failure("llm_timeout", f"the model's provider ran out of time (HTTP {status})", detail)
    return Failure("llm_service", f"the model's service answered HTTP {status}", detail)


def service(message: str, words: str = "", status: int | None = None) -> Failure:
    """The upstream could not be reached, was cut off, or spoke nonsense."""
    detail: dict[str, Any] = {} if status is None else {"http_status": status}
    return Failure("llm_service", message, detail | ({"message": words[:MOST_MESSAGE]} if words else {}))


def too_slow(seconds: float) -> Failure:
    """A call's own time limit passed."""
    return Failure("llm_timeout", f"the model did not answer within {seconds:g} s", {"http_status": 504})


def limit_reached() -> Failure:
    """The task's tokens are spent."""
    return Failure("token_limit", "the task's token limit is reached", {"http_status": 402})
