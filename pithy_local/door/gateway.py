"""The services behind the door: the model gateway and, beside it, the report service.

The sandbox may ask three things of one upstream: chat completions and responses of the task's own model, and the list
of models. The real key is put in here and taken out of every answer; the tokens are counted here.

A call goes: limit → admission (`admission.py`: what of it is let through) → exchange (`exchange.py`) → settlement.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pithy_local.clock import Clock
from pithy_local.door import failures, sse
from pithy_local.door.admission import CHAT, MAX_BODY, MODELS, RESPONSES, Admitted, admit
from pithy_local.door.answers import REFUSED, Refusal, error_body, json_response, read_body
from pithy_local.door.exchange import Ending, Exchange, read_whole
from pithy_local.door.failures import Failure
from pithy_local.door.reports import Reports
from pithy_local.door.upstream import Upstream, UpstreamClient
from pithy_local.redact import Redactor

__all__ = ["Call", "Failure", "Gateway", "Upstream"]

PREFIX = "/openai/v1"
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # without one Python prints to stderr, in the middle of a dashboard
_AT_ONCE = 32
"""Calls in hand at a time: bounds the bodies held in memory. Further ones wait."""
_LIST_SECONDS = 30.0


@dataclass(frozen=True)
class Call:
    """One settled model call. `status` is the upstream's, or 502 (unreachable, broken off), 504, 499 (client left).

    `estimated`: the upstream told no usage, so bytes / 3.5 were taken. `at_ms`: when it began.
    """

    provider: str
    model: str
    status: int
    input_tokens: int
    output_tokens: int
    estimated: bool
    seconds: float
    at_ms: int


class Gateway:
    """One attempt's services as an ASGI app, `app`.

    `tokens_left` and `on_call` run in worker threads. `on_call` is called once for each call that went to the
    upstream, before the sandbox sees the end of the answer. `token` None: whoever can connect is the attempt (the
    door's stream is its identity); a string: every request must carry it as a bearer. `upstream` None: no model
    may be called. `secrets`: what else is masked in answers, beside the upstream's key.
    """

    def __init__(
        self,
        *,
        upstream: Upstream | None,
        model: str,
        call_timeout: float,
        tokens_left: Callable[[], int],
        on_call: Callable[[Call], None],
        reports: Reports,
        token: str | None,
        clock: Clock,
        secrets: Sequence[str] = (),
    ) -> None:
        self.reports = reports
        self.token = token
        self.failure: Failure | None = None
        """What went wrong last; a good call clears it."""
        self._upstream = upstream
        self._client = UpstreamClient(upstream) if upstream else None
        self._redactor = Redactor([*secrets, *([upstream.api_key] if upstream else [])])
        self._model = model
        self._call_timeout = call_timeout
        self._tokens_left = tokens_left
        self._on_call = on_call
        self._clock = clock
        self._room = asyncio.Semaphore(_AT_ONCE)
        self.app: ASGIApp = _Guard(self._routes(), token)

    async def aclose(self) -> None:
        """Close the connections to the upstream; end the door or the loopback first, which settles what runs."""
        if self._client is not None:
            await self._client.aclose()

    def _routes(self) -> Starlette:
        calls = [Route(PREFIX + path, _Endpoint(self._call, path), methods=["POST"]) for path in (CHAT, RESPONSES)]
        models = Route(PREFIX + MODELS, self._models, methods=["GET"])
        app = Starlette(
            routes=[*calls, models, *self.reports.routes],
            exception_handlers={
                HTTPException: _unknown,
                Refusal: _refuse,
                ClientDisconnect: _nobody,
                Exception: _broken,
            },
        )
        app.router.redirect_slashes = False
        return app

    async def _call(self, path: str, request: Request, send: Send) -> None:
        async with self._room:
            admitted = await self._admit(path, request)
            await self._carry(admitted, request.receive, send)

    async def _admit(self, path: str, request: Request) -> Admitted:
        """Everything a call must pass before it costs anything. Raises Refusal."""
        self._connected()
        admitted = admit(path, await read_body(request, MAX_BODY), model=self._model)
        if await asyncio.to_thread(self._tokens_left) <= 0:
            self.failure = failures.limit_reached()
            raise Refusal(402, self.failure.code, self.failure.message)
        return admitted

    async def _carry(self, admitted: Admitted, receive: Receive, send: Send) -> None:
        at_ms, started = self._clock.now_ms(), self._clock.lease_ms()
        exchange = Exchange(
            client=self._connected(),
            redactor=self._redactor,
            seconds=self._call_timeout,
            admitted=admitted,
            send=send,
        )
        ending: Ending | None = None
        try:
            ending = await exchange.run(receive)
        finally:
            seconds = (self._clock.lease_ms() - started) / 1000
            await self._settle(exchange.abandoned() if ending is None else ending, at_ms, seconds)
        await exchange.finish(ending)

    async def _settle(self, ending: Ending, at_ms: int, seconds: float) -> None:
        if ending.failure or ending.good:
            self.failure = ending.failure
        call = Call(
            provider=self._upstream.name if self._upstream else "",
            model=self._model,
            status=ending.status,
            input_tokens=ending.tokens.input,
            output_tokens=ending.tokens.output,
            estimated=ending.tokens.estimated,
            seconds=seconds,
            at_ms=at_ms,
        )
        await asyncio.to_thread(self._on_call, call)

    async def _models(self, request: Request) -> Response:
        """The upstream's list of models: costs nothing, counts as no call."""
        client = self._connected()
        try:
            async with asyncio.timeout(_LIST_SECONDS), client.request("GET", MODELS) as response:
                status, body = response.status_code, await read_whole(response)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError):
            raise Refusal(502, "llm_service", "the model's service cannot be reached") from None
        if sse.document_of(body) is None or 300 <= status < 400:
            status, body = 502, error_body("llm_service", "the model's service answered no JSON")
        return json_response(status, self._redactor.mask_bytes(body))

    def _connected(self) -> UpstreamClient:
        if self._client is None:
            raise Refusal(403, REFUSED, "this task's answers are written in advance: it may call no model")
        return self._client


class _Endpoint:
    """An endpoint that writes its own answer, and needs to know which path it is."""

    def __init__(self, call: Callable[[str, Request, Send], Awaitable[None]], path: str) -> None:
        self._call = call
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._call(self._path, Request(scope, receive), send)


class _Guard:
    """In front of every route: plain paths only, no query for the upstream, and the bearer where there is one."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._expected = None if token is None else f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._judge(scope)
        if refusal is not None:
            await refusal.response()(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except Exception:
            # Answered already (`_broken`). Raised further, the server would drop a connection that the SDK may reuse.
            _log.exception("a request through the door failed")

    def _judge(self, scope: Scope) -> Refusal | None:
        if self._expected is not None:
            sent = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(sent, self._expected):
                return Refusal(401, REFUSED, "the attempt's token is missing or wrong")
        path = str(scope["path"])
        # what was percent-encoded has no business here: the routes below compare the decoded path
        if scope["raw_path"] != path.encode() or (scope["query_string"] and path.startswith(PREFIX)):
            return Refusal(403, REFUSED, "that address is not allowed here")
        return None


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def _unknown(request: Request, error: Exception) -> Response:
    return json_response(404, error_body(REFUSED, "there is nothing else to reach from here"))


async def _broken(request: Request, error: Exception) -> Response:
    return json_response(500, error_body("internal", "the host failed to deal with this"))


async def _nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # the client has left: it is not sent
