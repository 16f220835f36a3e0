"""What the gateway saw go wrong with a call: error codes a task can fail with, and what the provider said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_MESSAGE = 500
"""Characters kept of what an upstream said."""
_MOST_QUOTED = 200
"""Characters of it that stand in a message of ours."""

_QUOTA_KINDS = frozenset({
    "insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "billing_not_active",
    "billing_error", "enforced_spend_limit_reached", "contract_spend_limit_reached",
    "linked_organization_spend_limit_reached",
})  # fmt: skip
_QUOTA_WORDS = ("credit balance is too low", "specified api usage limits", "specified workspace api usage limits")
"""How Anthropic says it with a 400."""
_STATUS_OF_KIND = {
    "authentication_error": 401, "invalid_api_key": 401, "permission_error": 403, "rate_limit_error": 429,
    "rate_limit_exceeded": 429, "timeout_error": 504, "overloaded_error": 529, "server_is_overloaded": 503,
}  # fmt: skip
"""What an error inside a stream, which has no status of its own, would have been answered with."""


@dataclass(frozen=True)
class Failure:
    """`code`: llm_auth | llm_rate_limit | llm_service | llm_timeout | token_limit | budget.

    `detail` may hold `http_status`, `message` (the upstream's own words) and `request_id`: bounded, without the key.
    """

    code: str
    message: str
    detail: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Said:
    """An error as an upstream told it: its words, and the names it gives it (type, code)."""

    words: str
    kinds: frozenset[str] = frozenset()

    @property
    def status(self) -> int:
        """The HTTP status that these names stand for; 0 where none is known."""
        return next((status for kind, status in _STATUS_OF_KIND.items() if kind in self.kinds), 0)


def error_in(document: Mapping[str, Any]) -> Said | None:
    """The error that an answer or an event of a stream tells, in OpenAI's or Anthropic's shape; None: it tells none."""
    response = document.get("response")
    for holder in (document, response if isinstance(response, dict) else {}):
        error = holder.get("error")
        if isinstance(error, dict):
            return _read(error)
        if isinstance(error, str) and error:
            return Said(words=error)
    return _read(document) if document.get("type") == "error" else None


def is_quota(status: int, said: Said) -> bool:
    """Whether the account is empty: no waiting mends that."""
    in_words = status == 400 and any(words in said.words.lower() for words in _QUOTA_WORDS)
    return status == 402 or bool(said.kinds & _QUOTA_KINDS) or in_words


def upstream_said(status: int, said: Said, request_id: str = "") -> Failure:
    """The failure that an upstream's error means; `status` below 400: it came inside an answer."""
    detail: dict[str, Any] = {"http_status": status, "message": said.words[:MOST_MESSAGE]}
    if request_id:
        detail["request_id"] = request_id[:MOST_MESSAGE]
    code, message = _meaning(status if status >= 400 else said.status, said)
    return Failure(code, message + (f" (HTTP {status})" if status >= 400 else ""), detail)


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


def budget_spent() -> Failure:
    """The day's money is spent."""
    return Failure("budget", "the day's budget is spent", {"http_status": 402})


def limited_for_long(provider: str) -> Failure:
    """The rate limit will not have passed while a call can wait."""
    return Failure(
        "llm_rate_limit", f"the rate limit of {provider} lasts longer than a call waits", {"http_status": 429}
    )


def _read(error: Mapping[str, Any]) -> Said:
    details = error.get("details")
    named = [error.get("type"), error.get("code"), details.get("error_code") if isinstance(details, dict) else None]
    words = str(error.get("message") or error.get("code") or error.get("type") or "no reason given")
    return Said(words=words, kinds=frozenset(name for name in named if isinstance(name, str)))


def _meaning(status: int, said: Said) -> tuple[str, str]:
    """Code and message."""
    if is_quota(status, said):
        return "llm_rate_limit", "the quota at the model's provider is spent"
    if status in (401, 403):
        return "llm_auth", "the model's provider refused the API key"
    if status == 429:
        return "llm_rate_limit", "the model's provider limits the rate"
    if status in (408, 504):
        return "llm_timeout", "the model's provider ran out of time"
    if status in (503, 529):
        return "llm_service", "the model's service is overloaded"
    if 400 <= status < 500:
        return "llm_service", f"the model's provider refused the request: {said.words[:_MOST_QUOTED]}"
    return "llm_service", "the model's service failed"
