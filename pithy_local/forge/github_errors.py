"""What went wrong at GitHub, as the product's errors: the one place where its answers are read for that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.forge.github_headers import retry_after
from pithy_local.text import clip, safe_line, short_age

MESSAGE_LIMIT = 500
REFUSED_HINT = "Mend what GitHub names, then `pithy-local retry ID` delivers again without the model."


def mapped(error: Exception, slug: str) -> PithyError:
    """The error to show for what PyGithub or its transport raised. It holds nothing of what we sent.

    A rate limit has `retry_after` (seconds) in its detail.
    """
    from github import GithubException

    if isinstance(error, PithyError):
        return error
    if not isinstance(error, GithubException):
        return PithyError(ErrorCode.GITHUB_ERROR, _no_answer(error))
    said = _said(error.data) or clip(safe_line(error.message or ""), MESSAGE_LIMIT)
    detail = _detail(error, said)
    code = _code(error, said)
    if code is ErrorCode.REPO_UNREACHABLE:
        return PithyError(code, f"GitHub knows no repository {slug}, or the token may not see it", detail=detail)
    if code is ErrorCode.GITHUB_AUTH and error.status == 401:
        return PithyError(code, f"GitHub does not accept the token: {said}", detail=detail)
    if code is ErrorCode.GITHUB_AUTH:
        return PithyError(code, f"the token may not do this in {slug}: {said}", detail=detail)
    answered = f"GitHub answered {error.status}" + (f": {said}" if said else "")
    if code is ErrorCode.GITHUB_RATE_LIMIT:
        seconds = detail["retry_after"] = retry_after(_headers(error))
        answered += f" (again in {short_age(seconds * 1000)})"
    return PithyError(code, answered, hint=REFUSED_HINT if error.status == 422 else None, detail=detail)


def pause_after(failure: PithyError, planned: float, longest: float) -> float | None:
    """Seconds to wait before the same request again: `planned` after no answer, one that nobody can read or 5xx, what
    GitHub asks for after a rate limit. None: not at all, or the rate limit would take longer than `longest` seconds."""
    if failure.code is ErrorCode.GITHUB_RATE_LIMIT:
        asked: int = failure.detail["retry_after"]
        return max(planned, asked) if asked <= longest else None
    status = failure.detail.get("http_status")
    return planned if failure.code is ErrorCode.GITHUB_ERROR and (status is None or status >= 500) else None


def pause_after_create(failure: PithyError, planned: float, longest: float) -> float | None:
    """The same after creating a pull request. One that exists, and is not listed yet, is waited for."""
    exists = failure.detail.get("http_status") == 422 and "already exists" in failure.message
    return planned if exists else pause_after(failure, planned, longest)


def _code(error: Any, said: str) -> ErrorCode:
    from github import RateLimitExceededException

    headers = _headers(error)
    limited = error.status in (403, 429) and ("retry-after" in headers or headers.get("x-ratelimit-remaining") == "0")
    if isinstance(error, RateLimitExceededException) or limited or error.status == 429:
        return ErrorCode.GITHUB_RATE_LIMIT
    if error.status in (401, 403):
        return ErrorCode.GITHUB_AUTH
    return ErrorCode.REPO_UNREACHABLE if error.status == 404 else ErrorCode.GITHUB_ERROR


def _no_answer(error: Exception) -> str:
    """Words for a failure below HTTP; the exception's own text stays out: it may quote what we sent."""
    from requests import exceptions

    if isinstance(error, exceptions.SSLError):
        return "GitHub cannot be trusted: its TLS certificate was refused"
    if isinstance(error, exceptions.Timeout):
        return "GitHub did not answer in time"
    if isinstance(error, exceptions.RequestException):
        return "GitHub cannot be reached"
    return f"GitHub's answer could not be read ({type(error).__name__})"


def _detail(error: Any, said: str) -> dict[str, Any]:
    data = error.data if isinstance(error.data, Mapping) else {}
    detail = {
        "http_status": error.status,
        "message": said,
        "documentation_url": safe_line(str(data.get("documentation_url") or "")),
        "request_id": safe_line(_headers(error).get("x-github-request-id", "")),
    }
    return {name: clip(value, MESSAGE_LIMIT) if isinstance(value, str) else value for name, value in detail.items()}


def _headers(error: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}


def _said(data: object) -> str:
    """GitHub's message and those of its `errors`, as one line."""
    if not isinstance(data, Mapping):
        return ""
    errors = data.get("errors")
    parts = [data.get("message")]
    for problem in errors if isinstance(errors, list) else []:
        parts.append(_problem(problem) if isinstance(problem, Mapping) else problem)
    return clip(safe_line(": ".join(str(part) for part in parts if part)), MESSAGE_LIMIT)


def _problem(problem: Mapping[str, Any]) -> str:
    """`base: invalid` where an error carries no sentence of its own."""
    return str(problem.get("message") or " ".join(str(problem[key]) for key in ("field", "code") if key in problem))
