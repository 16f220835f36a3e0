"""A model server on loopback that answers from a script: OpenAI's API and Anthropic's on one port.

OpenAI: POST /v1/chat/completions (whole and as a stream), /v1/responses (whole), /v1/embeddings.
Anthropic: POST /v1/messages (whole and as a stream), /v1/messages/count_tokens.
Both: GET /v1/models, GET /v1/models/{id}, in the shape of whoever asks.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.fakes import model_anthropic, model_shapes
from tests.fakes.loopback import Exchange, LoopbackServer, Request
from tests.fakes.model_replies import ApiError, Reply

Script = Callable[[dict[str, Any]], Reply | str]
"""Decides from the request's body; called in the connection's thread, several at once where requests are."""

COUNT_TOKENS = f"{model_anthropic.PREFIX}/count_tokens"
EMBEDDINGS = "/v1/embeddings"
_JSON = {"Content-Type": "application/json"}
_FLOOD_BLOCK = b" " * 65536


class Shapes(Protocol):
    """One API's JSON, made by `model_shapes` (OpenAI) and `model_anthropic`."""

    def error_body(self, reply: Reply) -> bytes: ...
    def models_body(self, models: tuple[str, ...]) -> bytes: ...
    def model_body(self, name: str) -> bytes: ...
    def whole_body(self, path: str, reply: Reply, data: Mapping[str, Any], number: int) -> bytes: ...
    def stream_head(self, reply: Reply, data: Mapping[str, Any], number: int) -> bytes: ...
    def stream_pieces(self, reply: Reply, data: Mapping[str, Any], number: int) -> Iterator[bytes]: ...
    def stream_tail(self, reply: Reply, data: Mapping[str, Any], number: int) -> bytes: ...
    def fault(self, path: str, headers: Mapping[str, str], data: Mapping[str, Any] | None) -> str | None: ...


@dataclass(frozen=True, kw_only=True)
class ModelCall:
    """One request, recorded when it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case, the key's header as sent."""
    body: bytes
    data: dict[str, Any]
    """The body as JSON, empty where there was none."""

    @property
    def prompt(self) -> str:
        """All text of the messages (or of the `input`), Anthropic's `system` before them, joined by newlines."""
        messages = self.data.get("messages", self.data.get("input", ""))
        if isinstance(messages, str):
            return messages
        contents = [message.get("content") for message in messages]
        return "\n".join(_text_of(content) for content in (self.data.get("system"), *contents) if content is not None)


class FakeModel(LoopbackServer):
    """Answers with `script`: replies in order, or a function of the request. A str is a good Reply of that text.

    An exhausted script is a 500 with the words "the script has no reply left" and an entry in `violations`, as is
    a request that the real API would refuse for its shape (400) or an endpoint it does not have (404). Token counts,
    embeddings and lists of models take no reply from the script.
    """

    def __init__(
        self,
        script: Iterable[Reply | str] | Script = (),
        *,
        key: str = "sk-test-key",
        models: tuple[str, ...] = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-5-5", "claude-sonnet-4-5"),
    ) -> None:
        super().__init__()
        self.calls: list[ModelCall] = []
        self.violations: list[str] = []
        self.aborted = 0
        """How many clients went away while a reply was being held back or sent."""
        self._key = key
        self._models = models
        self._decide: Script | None = script if callable(script) else None
        self._queue: deque[Reply | str] = deque(() if callable(script) else script)

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL takes."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """What ANTHROPIC_BASE_URL takes."""
        return self.url

    @property
    def completions(self) -> list[ModelCall]:
        """The calls that asked for text, in order of arrival."""
        with self.lock:
            return [
                call for call in self.calls if call.method == "POST" and call.path not in (COUNT_TOKENS, EMBEDDINGS)
            ]

    def push(self, *replies: Reply | str) -> None:
        """Put replies at the end of the script."""
        with self.lock:
            self._queue.extend(replies)

    def serve(self, exchange: Exchange) -> None:
        request = exchange.request
        data = _json_object(request)
        with self.lock:
            self.calls.append(_call(request, data or {}))
            number = len(self.calls)
        shapes = _shapes_of(request)
        refusal = self._refusal(request, shapes, data)
        if refusal:
            self._send_reply(exchange, shapes, refusal, {}, number)
        elif body := self._unscripted(request, shapes, data or {}):
            exchange.send(200, body, _headers(shapes, number) | _JSON)
        else:
            self._send_reply(exchange, shapes, self._next_reply(data or {}), data or {}, number)

    def _unscripted(self, request: Request, shapes: Shapes, data: Mapping[str, Any]) -> bytes | None:
        """What is answered without the script: models, token counts, embeddings."""
        if request.method == "GET":
            name = request.path.removeprefix("/v1/models").strip("/")
            return shapes.model_body(name) if name else shapes.models_body(self._models)
        if request.path == COUNT_TOKENS:
            return model_anthropic.count_body(data)
        return model_shapes.embeddings_body(data) if request.path == EMBEDDINGS else None

    def _next_reply(self, data: dict[str, Any]) -> Reply:
        if self._decide is not None:
            reply = self._decide(data)
        else:
            with self.lock:
                reply = self._queue.popleft() if self._queue else self._violation(500, "the script has no reply left")
        return Reply(text=reply) if isinstance(reply, str) else reply

    def _refusal(self, request: Request, shapes: Shapes, data: dict[str, Any] | None) -> Reply | None:
        """The APIs' order: the key, the endpoint, the body, the model."""
        if (words := self._key_fault(request, shapes)) is not None:
            return Reply(status=401, error=words)
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            return self._unknown_model(request.path.removeprefix("/v1/models/"))
        if (request.method, request.path) == ("GET", "/v1/models"):
            return None
        known = (model_anthropic.PREFIX, COUNT_TOKENS) if shapes is model_anthropic else model_shapes.ENDPOINTS
        if request.method != "POST" or request.path not in known:
            return self._violation(404, f"Invalid URL ({request.method} {request.path})")
        if fault := shapes.fault(request.path, request.headers, data):
            return self._violation(400, fault)
        return self._unknown_model(str((data or {}).get("model")))

    def _key_fault(self, request: Request, shapes: Shapes) -> ApiError | None:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if shapes is model_anthropic:
            sent = request.headers.get("x-api-key", sent)
        if hmac.compare_digest(sent.encode(), self._key.encode()):
            return None
        words = "Incorrect API key provided." if sent else "You didn't provide an API key."
        return ApiError(message=words, type="invalid_request_error", code="invalid_api_key" if sent else None)

    def _unknown_model(self, name: str) -> Reply | None:
        if name in self._models:
            return None
        words = f"The model `{name}` does not exist or you do not have access to it."
        return Reply(status=404, error=ApiError(message=words, type="invalid_request_error", code="model_not_found"))

    def _violation(self, status: int, words: str) -> Reply:
        with self.lock:
            self.violations.append(words)
        kind = "server_error" if status >= 500 else "invalid_request_error"
        return Reply(status=status, error=ApiError(message=words, type=kind))

    def _send_reply(
        self, exchange: Exchange, shapes: Shapes, reply: Reply, data: Mapping[str, Any], number: int
    ) -> None:
        streams = bool(data.get("stream")) and reply.error is None and reply.raw is None and not reply.flood
        headers = _headers(shapes, number) | dict(reply.headers)
        try:
            if not (streams and reply.stall_after):
                self._held_back(exchange, reply)
            if streams:
                self._send_stream(exchange, shapes, reply, data, number)
            elif reply.flood:
                self._send_flood(exchange, reply, headers)
            elif reply.cut_after is None:
                exchange.send(reply.status, _whole_body(exchange, shapes, reply, data, number), headers | _JSON)
            else:
                body = _whole_body(exchange, shapes, reply, data, number)
                exchange.send_part(reply.status, body, reply.cut_after, headers | _JSON)
        except ConnectionError:
            if not self.stopping.is_set():
                with self.lock:
                    self.aborted += 1
            raise

    def _held_back(self, exchange: Exchange, reply: Reply) -> None:
        if reply.delay and not exchange.wait(None, reply.delay):
            raise ConnectionAbortedError("the client left or the fake stops")
        if reply.gate is not None and not exchange.wait(reply.gate):
            raise ConnectionAbortedError("the client left or the fake stops")

    def _send_stream(
        self, exchange: Exchange, shapes: Shapes, reply: Reply, data: Mapping[str, Any], number: int
    ) -> None:
        kind = {"Content-Type": "text/event-stream; charset=utf-8"}
        exchange.begin(reply.status, _headers(shapes, number) | kind | dict(reply.headers))
        exchange.write(shapes.stream_head(reply, data, number))
        for sent, piece in enumerate(shapes.stream_pieces(reply, data, number)):
            if reply.stall_after and sent == reply.stall_after:
                self._held_back(exchange, reply)
            if sent == reply.cut_after:
                exchange.cut()
                return
            exchange.write(piece)
        exchange.write(shapes.stream_tail(reply, data, number))
        exchange.end()

    def _send_flood(self, exchange: Exchange, reply: Reply, headers: Mapping[str, str]) -> None:
        exchange.begin(reply.status, {**headers, **_JSON})
        left = reply.flood
        while left > 0:
            exchange.write(_FLOOD_BLOCK[:left])
            left -= len(_FLOOD_BLOCK)
        exchange.end()


def _shapes_of(request: Request) -> Shapes:
    """Whose API is asked: Anthropic's own path, or its header where the path is of both."""
    anthropic = request.path.startswith(model_anthropic.PREFIX) or (
        request.path.startswith("/v1/models") and "anthropic-version" in request.headers
    )
    return model_anthropic if anthropic else model_shapes


def _headers(shapes: Shapes, number: int) -> dict[str, str]:
    name = "request-id" if shapes is model_anthropic else "x-request-id"
    return {name: f"req_{number:08d}"}


def _call(request: Request, data: dict[str, Any]) -> ModelCall:
    return ModelCall(
        method=request.method, path=request.path, headers=request.headers, body=request.body, data=data
    )  # fmt: skip


def _json_object(request: Request) -> dict[str, Any] | None:
    try:
        data = request.json() if request.body else None
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _whole_body(exchange: Exchange, shapes: Shapes, reply: Reply, data: Mapping[str, Any], number: int) -> bytes:
    if reply.raw is not None:
        return reply.raw
    if reply.error is not None:
        return shapes.error_body(reply)
    return shapes.whole_body(exchange.request.path, reply, data, number)


def _text_of(content: Any) -> str:
    """Text of a message, whose content is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [])
