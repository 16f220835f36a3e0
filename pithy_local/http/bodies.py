"""What a request brings: its body, bounded in size and time while it comes; its query; as values of the right type."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from starlette.requests import Request

from pithy_local.errors import UsageError
from pithy_local.http.answers import HttpError, too_large
from pithy_local.http.limits import DRAINED, MAX_BODY

T = TypeVar("T")

HINT = "`/openapi.json` and docs/api.md say what each path takes."
MOST = (1 << 63) - 1
"""What SQLite can hold."""


async def read(request: Request, seconds: float) -> bytes:
    """The body. Raises HttpError: 413 over `MAX_BODY`, told by its length or found while it comes; 408 when it is not
    whole within `seconds`; starlette's ClientDisconnect."""
    try:
        async with asyncio.timeout(seconds):
            if _length(request) > MAX_BODY:
                await _drain(request)
            body = bytearray()
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY:
                    await _drain(request)
            return bytes(body)
    except TimeoutError:
        raise HttpError(
            408, "request_timeout", f"the body was not whole within {seconds:g} s", headers={"connection": "close"}
        ) from None


def _length(request: Request) -> int:
    """What the request says of its body; h11 has checked that it is a number."""
    return int(request.headers.get("content-length", "0"))


async def _drain(request: Request) -> None:
    """Throw away what is left, in bounds, and refuse it."""
    left = 0 if "expect" in request.headers else DRAINED
    while left > 0:
        message = await request.receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    raise too_large(f"a body has {MAX_BODY:,} bytes at most")


async def decode(request: Request, kind: type[T], seconds: float) -> T:
    """The body as JSON of this shape; an empty one is an empty object. Raises HttpError, UsageError."""
    body = await read(request, seconds)
    content = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and content != "application/json":
        raise HttpError(415, "media_type", "the body is not application/json", "Say `Content-Type: application/json`.")
    return parse(body or b"{}", kind)


def parse(body: bytes, kind: type[T]) -> T:
    """JSON of this shape. Raises UsageError with what is wrong and where."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the body is not as it should be: {_reason(error)}", hint=HINT) from None


def _reason(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:300]


def number(request: Request, name: str, default: int, *, low: int, high: int = MOST) -> int:
    """A whole number of the query. Raises UsageError."""
    return whole(text(request, name), name, default, low=low, high=high)


def whole(given: str | None, name: str, default: int, *, low: int, high: int = MOST) -> int:
    """`given` as a number from `low` to `high`, `default` where there is none. Raises UsageError."""
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 20 and low <= int(given) <= high):
        raise UsageError(f"{name} is not a whole number from {low} to {high}", hint=HINT)
    return int(given)


def text(request: Request, name: str) -> str | None:
    """A value of the query. Raises UsageError where it is given twice."""
    found = request.query_params.getlist(name)
    if len(found) > 1:
        raise UsageError(f"{name} is given {len(found)} times", hint=HINT)
    return found[0] if found else None
