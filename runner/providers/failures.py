"""What a failed call means, for every provider: the gateway's own code first, then the API's, then the status."""

from __future__ import annotations

from runner.errors import ProviderCode, ProviderError, Unreachable

_MESSAGE_LIMIT = 500
_CODES: dict[str, ProviderCode] = {
    # the host's gateway
    "token_limit": "token_limit",
    "budget": "budget",
    "llm_timeout": "llm_timeout",
    "llm_service": "llm_service",
    "llm_auth": "llm_auth",
    "llm_rate_limit": "llm_rate_limit",
    "pithy_refused": "llm_service",
    # Anthropic, which says them inside a stream too, after a status of 200
    "authentication_error": "llm_auth",
    "permission_error": "llm_auth",
    "rate_limit_error": "llm_rate_limit",
    "billing_error": "llm_rate_limit",
    "timeout_error": "llm_timeout",
}
_STATUS_CODES: dict[int, ProviderCode] = {
    401: "llm_auth",
    402: "llm_rate_limit",  # the account is empty
    403: "llm_auth",
    408: "llm_timeout",
    429: "llm_rate_limit",
    504: "llm_timeout",
}


def refused(status: int, said: str | None, error: Exception) -> ProviderError:
    """An error answer of the server, `said` being its code. `error` has its words."""
    code = _CODES.get(said or "") or _STATUS_CODES.get(status, "llm_service")
    detail: dict[str, str | int] = {"http_status": status}
    if said:
        detail["code"] = said
    return ProviderError(code, f"the model server answered {status}: {words(error)}", detail=detail)


def timed_out(seconds: float) -> ProviderError:
    """Nothing came within the SDK's own limit."""
    return ProviderError("llm_timeout", f"no answer from the model within {seconds:g} s")


def unreachable(error: Exception) -> ProviderError:
    """The connection failed, or broke."""
    return Unreachable("llm_service", f"the model cannot be reached: {words(error)}")


def unreadable(why: str) -> ProviderError:
    """A good status, and a body that is no answer."""
    return ProviderError("llm_service", f"the model server's answer is {why}")


def words(error: Exception) -> str:
    """What an exception says, bounded: the server's own words where an SDK has wrapped them in its own."""
    body = getattr(error, "body", None)
    said = body.get("error", body) if isinstance(body, dict) else None
    message = said.get("message") if isinstance(said, dict) else None
    return str(message or getattr(error, "message", "") or error)[:_MESSAGE_LIMIT]
