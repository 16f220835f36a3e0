"""What the sandbox is answered when it is not an upstream that speaks: errors in OpenAI's shape."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

REFUSED = "pithy_refused"
"""The code of what is never allowed: another endpoint, another model."""


class Refusal(Exception):
    """A request that is answered here and goes no further."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        return json_response(self.status, error_body(self.code, self.message))


def error_body(code: str, message: str) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}`, as OpenAI's SDKs read it."""
    fields = {"message": message, "type": "pithy_local", "param": None, "code": code}
    return json.dumps({"error": fields}).encode()


def json_response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, dict(headers or {}), "application/json")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises Refusal (413) over `limit` bytes, ClientDisconnect."""
    length = request.headers.get("content-length", "")
    body = bytearray()
    if not (length.isdecimal() and int(length) > limit):
        async for portion in request.stream():
            body += portion
            if len(body) > limit:
                break
        else:
            return bytes(body)
    raise Refusal(413, "too_large", f"the body is larger than {limit} bytes")
