"""An OpenAI-style model server on loopback that answers from a script.

POST /v1/chat/completions (whole and as a stream), POST /v1/responses (whole), GET /v1/models, GET /v1/models/{id}.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes import model_shapes as shapes
from tests.fakes.loopback import Exchange, LoopbackServer, Request
from tests.fakes.model_replies import ApiError, Reply

Script = Callable[[dict[str, Any]], Reply | str]
"""Decides from the request's body; called in the connection's thread, several at once where requests are."""

_JSON = {"Content-Type": "application/json"}
_FLOOD_BLOCK = b" " * 65536


@dataclass(frozen=True, kw_only=True)
class ModelCall:
    """One request, recorded when it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case, the Authorization header as sent."""
    body: bytes
    data: dict[str, Any]
    """The body as JSON, empty where there was none."""

    @property
    def prompt(self) -> str:
        """All text of the messages (or of the `input`), joined by newlines."""
        messages = self.data.get("messages", self.data.get("input", ""))
        if isinstance(messages, str):
            return messages
        return "\n".join(_text_of(message.get("content")) for message in messages)


class FakeModel(LoopbackServer):
    """Answers with `script`: replies in order, or a function of the request. A str is a good Reply of that text.

    An exhausted script is a 500 with the words "the script has no reply left" and an entry in `violations`, as is
    a request that OpenAI would refuse for its shape (400) or an endpoint it does not have (404).
    """

    def __init__(
        self,
        script: Iterable[Reply | str] | Script = (),
        *,
        key: str = "sk-test-key",
        models: tuple[str, ...] = ("gpt-4o", "gpt-4o-mini"),
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
    def completions(self) -> list[ModelCall]:
        """The calls that asked for text, in order of arrival."""
        with self.lock:
            return [call for call in self.calls if call.method == "POST"]

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
        refusal = self._refusal(request, data)
        if refusal:
            self._send_reply(exchange, refusal, {}, number)
        elif request.method == "GET":
            name = request.path.removeprefix("/v1/models").strip("/")
            exchange.send(200, shapes.model_body(name) if name else shapes.models_body(self._models), _JSON)
        else:
            self._send_reply(exchange, self._next_reply(data or {}), data or {}, number)

    def _next_reply(self, data: dict[str, Any]) -> Reply:
        if self._decide is not None:
            reply = self._decide(data)
        else:
            with self.lock:
                reply = self._queue.popleft() if self._queue else self._violation(500, "the script has no reply left")
        return Reply(text=reply) if isinstance(reply, str) else reply

    def _refusal(self, request: Request, data: dict[str, Any] | None) -> Reply | None:
        """OpenAI's order: the key, the endpoint, the body, the model."""
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {self._key}".encode()):
            words = "Incorrect API key provided." if sent else "You didn't provide an API key."
            code = "invalid_api_key" if sent else None
            return Reply(status=401, error=ApiError(message=words, type="invalid_request_error", code=code))
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            return self._unknown_model(request.path.removeprefix("/v1/models/"))
        if (request.method, request.path) == ("GET", "/v1/models"):
            return None
        wanted = {"/v1/chat/completions": "messages", "/v1/responses": "input"}.get(request.path)
        if request.method != "POST" or wanted is None:
            return self._violation(404, f"Invalid URL ({request.method} {request.path})")
        fault = _body_fault(data, wanted)
        if fault or data is None:
            return self._violation(400, fault or "We could not parse the JSON body of your request.")
        return self._unknown_model(data["model"])

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

    def _send_reply(self, exchange: Exchange, reply: Reply, data: dict[str, Any], number: int) -> None:
        streams = bool(data.get("stream")) and reply.error is None and reply.raw is None and not reply.flood
        try:
            if not (streams and reply.stall_after):
                self._held_back(exchange, reply)
            if streams:
                self._send_stream(exchange, reply, data, number)
            elif reply.flood:
                self._send_flood(exchange, reply)
            else:
                body = _whole_body(exchange.request.path, reply, data, number)
                headers = self._headers(number) | _JSON | dict(reply.headers)
                if reply.cut_after is None:
                    exchange.send(reply.status, body, headers)
                else:
                    exchange.send_part(reply.status, body, reply.cut_after, headers)
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

    def _send_stream(self, exchange: Exchange, reply: Reply, data: dict[str, Any], number: int) -> None:
        include_usage = bool((data.get("stream_options") or {}).get("include_usage"))
        model = data["model"]
        kind = {"Content-Type": "text/event-stream; charset=utf-8"}
        exchange.begin(reply.status, self._headers(number) | kind | dict(reply.headers))
        exchange.write(shapes.stream_head(reply, model, number, include_usage=include_usage))
        for sent, piece in enumerate(shapes.stream_pieces(reply, model, number, include_usage=include_usage)):
            if reply.stall_after and sent == reply.stall_after:
                self._held_back(exchange, reply)
            if sent == reply.cut_after:
                exchange.cut()
                return
            exchange.write(piece)
        exchange.write(shapes.stream_tail(reply, model, number, include_usage=include_usage))
        exchange.end()

    def _send_flood(self, exchange: Exchange, reply: Reply) -> None:
        exchange.begin(reply.status, self._headers(0) | _JSON | dict(reply.headers))
        left = reply.flood
        while left > 0:
            exchange.write(_FLOOD_BLOCK[:left])
            left -= len(_FLOOD_BLOCK)
        exchange.end()

    def _headers(self, number: int) -> dict[str, str]:
        return {"x-request-id": f"req_{number:08d}", "openai-version": "2020-10-01"}


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


def _body_fault(data: dict[str, Any] | None, wanted: str) -> str | None:
    """What OpenAI would say about the shape of this body, None when it is good."""
    if data is None:
        return "We could not parse the JSON body of your request."
    if not isinstance(data.get("model"), str):
        return "you must provide a model parameter"
    if not data.get(wanted):
        return f"Missing required parameter: '{wanted}'."
    messages = data[wanted]
    if isinstance(messages, list):
        if not all(isinstance(m, dict) and isinstance(m.get("role"), str) and "content" in m for m in messages):
            return f"Invalid type for '{wanted}': every message needs a role and content."
    elif wanted == "messages" or not isinstance(messages, str):
        return f"Invalid type for '{wanted}'."
    if "stream_options" in data and not data.get("stream"):
        return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if wanted == "input" and data.get("stream"):
        return "the fake does not stream /v1/responses"
    return None


def _whole_body(path: str, reply: Reply, data: dict[str, Any], number: int) -> bytes:
    if reply.raw is not None:
        return reply.raw
    if reply.error is not None:
        return shapes.error_body(reply.error)
    make = shapes.response_body if path == "/v1/responses" else shapes.completion_body
    return make(reply, data["model"], number)


def _text_of(content: Any) -> str:
    """Text of a message, whose content is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [])
