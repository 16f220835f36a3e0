"""Answers: JSON in ASCII alone, one shape for every error, headers that let no browser make anything of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from pithy_local.errors import PithyError

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
"""On every answer."""


class HttpError(Exception):
    """A request that is answered with an error of HTTP's own: no task and no command ever ends with its code."""

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint = status, code, message, hint
        self.headers = dict(headers or {})


def not_found() -> HttpError:
    return HttpError(404, "not_found", "there is nothing at this path", "`/openapi.json` lists every path.")


def unauthorized(message: str, hint: str) -> HttpError:
    return HttpError(401, "unauthorized", message, hint, {"www-authenticate": "Bearer"})


def too_large(message: str) -> HttpError:
    return HttpError(413, "too_large", message, "Send less.", {"connection": "close"})


def encode(value: Any) -> bytes:
    """One line of JSON. ASCII alone: no terminal obeys any of it."""
    return json.dumps(value, separators=(",", ":")).encode()


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return encoded(encode(value), status, headers)


def encoded(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that a thread of the pool has made: a long one would hold up every stream."""
    return Response(body + b"\n", status, headers={**HEADERS, **(headers or {})}, media_type="application/json")


def refusal(error: HttpError | PithyError) -> Response:
    """An error as the contract's object."""
    if isinstance(error, HttpError):
        return _error(error.status, error.code, error.message, error.hint, error.headers)
    return _error(error.code.http_status, error.code.word, error.message, error.advice)


def _error(status: int, code: str, message: str, hint: str, headers: Mapping[str, str] | None = None) -> Response:
    return answer({"error": {"code": code, "message": message, "hint": hint}}, status, headers)
