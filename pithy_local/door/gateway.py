"""The services behind the door: the model gateway and, beside it, the report service.

The sandbox may ask a few things (`endpoints.py`) of the providers of the task's models, and of those models alone. The
real keys are put in here and taken out of every answer; the tokens are counted here.

A call goes: admission (`admission.py`: what of it is let through) → the provider's rate limit → the ledger → exchange
(`exchange.py`) → settlement.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pithy_local.clock import Clock
from pithy_local.door.admission import MAX_BODY, admit
from pithy_local.door.answers import REFUSED, Refusal, error_body, json_response, provider_of, read_body
from pithy_local.door.calls import Calls
from pithy_local.door.endpoints import ENDPOINTS, Endpoint
from pithy_local.door.failures import Failure
from pithy_local.door.ledger import Call, Ledger
from pithy_local.door.rate_limit import RateGate
from pithy_local.door.reports import Reports
from pithy_local.door.turnstile import Turnstile
from pithy_local.door.upstream import Upstream, UpstreamClient
from pithy_local.door.worker import in_thread
from pithy_local.errors import Parked
from pithy_local.redact import Redactor

__all__ = ["Call", "Failure", "Gateway", "Upstream"]

PATIENCE = 300.0
"""Seconds that a call waits for a rate limit to pass, before its attempt goes back to the queue."""
_PREFIXES = ("/openai/", "/anthropic/")
_BETA = b"beta=true"
"""What Anthropic's SDKs add to the address of a beta; the betas themselves are chosen by a header, which is dropped."""
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # without one Python prints to stderr, in the middle of a dashboard
_AT_ONCE = 32
"""Calls in hand at a time: bounds the bodies held in memory. Further ones wait."""


class Gateway:
    """One attempt's services as an ASGI app, `app`.

    `upstreams`: at most one a provider, with the models that may be called there; none: no model may be called.
    `token` None: whoever can connect is the attempt (the door's stream is its identity); a string: every request must
    carry it, as a bearer or as `x-api-key`. `secrets`: what else is masked in answers, beside the keys.

    `ledger`, `gate`, `on_wait` and `on_park` are called in worker threads. A call is settled before the sandbox sees
    the end of its answer. `on_wait(provider, until_ms)`: calls stand before a closed gate from now on; that time is
    summed up in `waited`. `on_park`: the attempt cannot go on, for a rate limit beyond `patience` seconds or a spent
    budget; called once. `failure`, `leaked`: what an earlier owner of the attempt has seen.
    """

    def __init__(
        self,
        *,
        upstreams: Sequence[Upstream],
        call_timeout: float,
        ledger: Ledger,
        gate: RateGate,
        on_wait: Callable[[str, int], None],
        on_park: Callable[[Parked], None],
        reports: Reports,
        token: str | None,
        clock: Clock,
        secrets: Sequence[str] = (),
        patience: float = PATIENCE,
        failure: Failure | None = None,
        leaked: bool = False,
    ) -> None:
        self.reports = reports
        self.token = token
        self.failure = failure
        """What went wrong last with a call; a good one clears it."""
        self._clients = {upstream.name: UpstreamClient(upstream) for upstream in upstreams}
        self._turnstile = Turnstile(gate, on_wait, clock)
        self._calls = Calls(
            ledger=ledger, turnstile=self._turnstile, on_park=on_park, clock=clock, call_timeout=call_timeout,
            patience=patience, note=self._note, leaked=leaked,
            redactor=Redactor([*secrets, *(upstream.api_key for upstream in upstreams)]),
        )  # fmt: skip
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._judging = asyncio.Lock()
        """To judge a large body takes a while: beside the loop, and one at a time."""
        self.app: ASGIApp = _Guard(self._routes(), token)

    @property
    def waited(self) -> float:
        """Seconds in which at least one call stood before a closed gate; read from any thread, never shrinks."""
        return self._turnstile.waiting.seconds

    @property
    def leaked(self) -> bool:
        """Whether an answer held a secret of this host: the sandbox got `***` in its place."""
        return self._calls.leaked

    async def aclose(self) -> None:
        """Close the connections to the upstreams; end the door or the loopback first, which settles what runs."""
        for client in self._clients.values():
            await client.aclose()

    def _routes(self) -> Starlette:
        app = Starlette(
            routes=[*(_route(self, endpoint) for endpoint in ENDPOINTS), *self.reports.routes],
            exception_handlers={
                HTTPException: _unknown,
                Refusal: _refuse,
                ClientDisconnect: _nobody,
                Exception: _broken,
            },
        )
        app.router.redirect_slashes = False
        return app

    async def serve(self, endpoint: Endpoint, request: Request, send: Send) -> None:
        """Answer one request to an upstream's endpoint. Raises Refusal, ClientDisconnect."""
        client, judge = self._client(endpoint.provider), endpoint.judge
        version = request.headers.get("anthropic-version", "")
        async with self._room:
            if judge is None:
                answer = await self._calls.fetch(client, "GET", endpoint.path, None, version, request.receive)
            else:
                body = await read_body(request, MAX_BODY)
                async with self._judging:
                    admitted = await in_thread(admit, endpoint.path, body, judge, client.upstream)
                if not endpoint.free:
                    return await self._calls.carry(client, admitted, version, request.receive, send)
                answer = await self._calls.fetch(client, "POST", endpoint.path, admitted.body, version, request.receive)
        return await answer(request.scope, request.receive, send)

    def _note(self, failure: Failure | None) -> None:
        self.failure = failure

    def _client(self, provider: str) -> UpstreamClient:
        if not self._clients:
            raise Refusal(403, REFUSED, "this task's answers are written in advance: it may call no model")
        if provider not in self._clients:
            raise Refusal(403, REFUSED, f"this task has no model of {provider}")
        return self._clients[provider]


def _route(gateway: Gateway, endpoint: Endpoint) -> Route:
    return Route(endpoint.route, _Served(gateway, endpoint), methods=["GET" if endpoint.judge is None else "POST"])


class _Served:
    """An endpoint that writes its own answer."""

    def __init__(self, gateway: Gateway, endpoint: Endpoint) -> None:
        self._gateway = gateway
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._gateway.serve(self._endpoint, Request(scope, receive), send)


class _Guard:
    """In front of every route: plain paths only, no query for an upstream, and the token where there is one."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._judge(scope)
        if refusal is not None:
            await refusal.response(str(scope["path"]))(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except Exception:
            # Answered already (`_broken`). Raised further, the server would drop a connection that the SDK may reuse.
            _log.exception("a request through the door failed")

    def _judge(self, scope: Scope) -> Refusal | None:
        if self._token is not None and not self._shows_token(dict(scope["headers"])):
            return Refusal(401, REFUSED, "the attempt's token is missing or wrong")
        path, query = str(scope["path"]), scope["query_string"]
        asked = query and path.startswith(_PREFIXES) and not (query == _BETA and provider_of(path) == "anthropic")
        # what was percent-encoded has no business here: the routes below compare the decoded path
        if scope["raw_path"] != path.encode() or asked:
            return Refusal(403, REFUSED, "that address is not allowed here")
        return None

    def _shows_token(self, headers: dict[bytes, bytes]) -> bool:
        """As a bearer or, as Anthropic's older SDKs send it, as `x-api-key`; each compared in constant time."""
        expected = self._token or b""
        bearer = hmac.compare_digest(headers.get(b"authorization", b""), b"Bearer " + expected)
        return hmac.compare_digest(headers.get(b"x-api-key", b""), expected) or bearer


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response(request.scope["path"])


async def _unknown(request: Request, error: Exception) -> Response:
    return Refusal(404, REFUSED, "there is nothing else to reach from here").response(request.scope["path"])


async def _broken(request: Request, error: Exception) -> Response:
    body = error_body("internal", "the host failed to deal with this", provider_of(request.scope["path"]))
    return json_response(500, body)


async def _nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # the client has left: it is not sent
