"""What the sandbox is answered when it is not an upstream that speaks: errors in the shape of the API it asked."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

REFUSED = "pithy_refused"
"""The code of what is never allowed: another endpoint, another model, a tool on the provider's side."""


class Refusal(Exception):
    """A request that is answered here and goes no further."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self, path: str) -> Response:
        """In the shape of the API that `path` is of."""
        return json_response(self.status, error_body(self.code, self.message, provider_of(path)))


def provider_of(path: str) -> str:
    """Whose API a path of the gateway's is; the gateway's own are told in OpenAI's shape."""
    return "anthropic" if path == "/anthropic" or path.startswith("/anthropic/") else "openai"


def error_body(code: str, message: str, provider: str) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}` or `{"type": "error", "error": {"type", "message"}}`, as the
    provider's SDKs read it; our code stands in OpenAI's `code` and in Anthropic's `type`."""
    if provider == "anthropic":
        return json.dumps({"type": "error", "error": {"type": code, "message": message}}).encode()
    fields = {"message": message, "type": "pithy_local", "param": None, "code": code}
    return json.dumps({"error": fields}).encode()


def error_event(body: bytes, provider: str) -> bytes:
    """An error body in the middle of a stream; whatever was begun there is closed."""
    return b"\n" + (b"event: error\n" if provider == "anthropic" else b"") + b"data: " + body + b"\n\n"


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
