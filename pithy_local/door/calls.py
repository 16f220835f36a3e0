"""The way of one admitted call: gate → ledger → exchange → settlement, and once more after a rate limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Send

from pithy_local.clock import Clock
from pithy_local.door import failures, sse
from pithy_local.door.admission import Admitted
from pithy_local.door.answers import Refusal, error_body, json_response
from pithy_local.door.exchange import Ending, Exchange, read_into
from pithy_local.door.failures import Failure
from pithy_local.door.ledger import Call, Ledger
from pithy_local.door.turnstile import OpensTooLate, Turnstile
from pithy_local.door.upstream import UpstreamClient
from pithy_local.door.worker import in_thread
from pithy_local.errors import Parked
from pithy_local.redact import Redactor

_ASK_AGAIN = 0.1
"""Seconds after which the ledger is asked anew whether there is room."""
_FREE_SECONDS = 30.0
"""The time limit of what costs nothing."""


@dataclass(kw_only=True)
class Pending:
    """A call that is not answered yet. `seconds`: what is left of its time limit, waits before a gate not counted;
    `patience`: of the seconds that it may stand there; `gone`: its client has left."""

    client: UpstreamClient
    admitted: Admitted
    version: str
    send: Send
    gone: asyncio.Future[None]
    seconds: float
    patience: float

    @property
    def provider(self) -> str:
        return self.client.upstream.name


class Calls:
    """Carries the calls of one gateway. The ledger and `on_park` are called in worker threads. `note` is told, on the
    event loop, what went wrong with a call, and None by a good one."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        turnstile: Turnstile,
        on_park: Callable[[Parked], None],
        redactor: Redactor,
        clock: Clock,
        call_timeout: float,
        patience: float,
        note: Callable[[Failure | None], None],
        leaked: bool = False,
    ) -> None:
        self._note = note
        self._ledger = ledger
        self._turnstile = turnstile
        self._on_park = on_park
        self._redactor = redactor
        self._clock = clock
        self._call_timeout = call_timeout
        self._patience = patience
        self._parked = False
        self.leaked = leaked
        """Whether an answer held a secret of the host's."""

    async def carry(
        self, client: UpstreamClient, admitted: Admitted, version: str, receive: Receive, send: Send
    ) -> None:
        """Carry a call to its end. Raises Refusal for one that never went out, ClientDisconnect."""
        async with _watched(receive) as gone:
            pending = Pending(
                client=client, admitted=admitted, version=version, send=send, gone=gone,
                seconds=self._call_timeout, patience=self._patience,
            )  # fmt: skip
            while True:
                await self._pass_gate(pending)
                ticket = await self._reserve(pending)
                exchange = Exchange(
                    client=client, redactor=self._redactor, admitted=admitted, version=version, send=send
                )
                ending = await self._settled(exchange, pending, ticket)
                if ending.limited is None or exchange.begun:
                    break
            await exchange.finish(ending)

    async def fetch(
        self, client: UpstreamClient, method: str, path: str, body: bytes | None, version: str, receive: Receive
    ) -> Response:
        """What costs nothing and counts as no call: lists of models, counts of tokens. Raises as `carry` does."""
        provider = client.upstream.name
        async with _watched(receive) as gone:
            await self._wait_for(provider, gone, self._patience)
        answer = bytearray()
        try:
            async with asyncio.timeout(_FREE_SECONDS), client.request(method, path, body, version=version) as response:
                await read_into(answer, response)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError):
            raise Refusal(502, "llm_service", "the model's service cannot be reached") from None
        status = response.status_code
        if sse.document_of(bytes(answer)) is None or 300 <= status < 400:
            return json_response(502, error_body("llm_service", "the model's service answered no JSON", provider))
        return json_response(status, self._redactor.mask_bytes(bytes(answer)))

    async def _pass_gate(self, pending: Pending) -> None:
        pending.patience -= await self._wait_for(pending.provider, pending.gone, pending.patience)

    async def _wait_for(self, provider: str, gone: asyncio.Future[None], patience: float) -> float:
        try:
            return await self._turnstile.wait(provider, gone, patience)
        except OpensTooLate as late:
            raise await self._park(failures.limited_for_long(provider), late.until) from None

    async def _reserve(self, pending: Pending) -> int:
        """A ticket. Raises Refusal: 402 where a limit is reached, 504 when there was no room in time."""
        ask = pending.admitted.ask(pending.provider)
        while pending.seconds > 0:
            began = self._clock.lease_ms()
            verdict = await in_thread(self._ledger.reserve, ask)
            if isinstance(verdict, int):
                return verdict
            if verdict == "token_limit":
                raise self._refused(failures.limit_reached())
            if verdict == "budget":
                raise await self._park(failures.budget_spent(), 0)
            await asyncio.wait({pending.gone}, timeout=_ASK_AGAIN)
            if pending.gone.done():
                raise ClientDisconnect
            pending.seconds -= self._seconds_since(began)
        raise self._refused(failures.too_slow(self._call_timeout))

    async def _settled(self, exchange: Exchange, pending: Pending, ticket: int) -> Ending:
        at_ms, began = self._clock.now_ms(), self._clock.lease_ms()
        ending: Ending | None = None
        try:
            ending = await exchange.run(pending.gone, pending.seconds, self._call_timeout)
        finally:
            seconds = self._seconds_since(began)
            pending.seconds -= seconds
            settled = exchange.abandoned() if ending is None else ending
            self.leaked = self.leaked or exchange.leaked
            await in_thread(self._ledger.settle, ticket, _call(pending, settled, at_ms, seconds))
        if ending.failure or ending.good:
            self._note(ending.failure)
        if ending.limited is not None:
            await self._turnstile.close(pending.provider, ending.limited, began)
        elif ending.good:
            self._turnstile.answered(pending.provider)
        return ending

    async def _park(self, failure: Failure, until: int) -> Refusal:
        """The attempt goes back to the queue; the call in hand is refused."""
        refusal = self._refused(failure)
        if not self._parked:
            self._parked = True
            await in_thread(self._on_park, Parked(failure.message, until=until))
        return refusal

    def _refused(self, failure: Failure) -> Refusal:
        self._note(failure)
        return Refusal(failure.detail["http_status"], failure.code, failure.message)

    def _seconds_since(self, began_ms: int) -> float:
        return (self._clock.lease_ms() - began_ms) / 1000


def _call(pending: Pending, ending: Ending, at_ms: int, seconds: float) -> Call:
    tokens = ending.tokens
    return Call(
        provider=pending.provider, model=pending.admitted.model, status=ending.status, input_tokens=tokens.input,
        output_tokens=tokens.output, cache_read=tokens.cache_read, cache_write=tokens.cache_write,
        estimated=tokens.estimated, seconds=seconds, at_ms=at_ms,
    )  # fmt: skip


@asynccontextmanager
async def _watched(receive: Receive) -> AsyncIterator[asyncio.Future[None]]:
    """A future that is done when the client has left."""
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        yield gone
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
