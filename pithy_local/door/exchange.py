"""One admitted call: to the upstream, back to the sandbox, and how it ended.

An answer in one piece is read whole before a byte of it goes on, a stream goes on line by line. Neither is complete
on the sandbox's side before the call was settled: who sees the end may rely on the count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2
from starlette.types import Receive, Send

from pithy_local.door import failures, sse
from pithy_local.door.admission import Admitted
from pithy_local.door.answers import error_body
from pithy_local.door.failures import Failure
from pithy_local.door.upstream import UpstreamClient
from pithy_local.door.usage import NOTHING, Meter, Tokens
from pithy_local.redact import Redactor

MAX_ANSWER = 16 * 1024 * 1024
CLIENT_GONE = 499
"""The status of a call whose client left (nginx's word for it)."""
_FINISH_SECONDS = 5.0
"""How long the end of an answer waits for a client that does not read."""
_PASSED_ON = ("retry-after", "retry-after-ms", "x-request-id", "x-should-retry")
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.LocalProtocolError,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a call ended. `body` is the whole answer, or what is left of one that has begun."""

    status: int
    tokens: Tokens
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None

    @property
    def good(self) -> bool:
        return self.failure is None and self.status < 400


class Exchange:
    """`run` it once, settle what it returns, then `finish`."""

    def __init__(
        self, *, client: UpstreamClient, redactor: Redactor, seconds: float, admitted: Admitted, send: Send
    ) -> None:
        self._client = client
        self._redactor = redactor
        self._seconds = seconds
        self._admitted = admitted
        self._send = send
        self._meter = Meter(len(admitted.body))
        self._begun = False

    async def run(self, receive: Receive) -> Ending:
        """The call, its time limit, its client leaving: whichever comes first."""
        work = asyncio.create_task(self._talk())
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({work, gone}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if gone.done():
                return self.abandoned()
            return self._failed(failures.too_slow(self._seconds), 504)
        finally:
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    def abandoned(self) -> Ending:
        """Nobody waits for the answer any more."""
        return Ending(status=CLIENT_GONE, tokens=self._meter.count())

    async def finish(self, ending: Ending) -> None:
        """Send what is left to send; gives up on a client that does not read."""
        try:
            async with asyncio.timeout(_FINISH_SECONDS):
                if not self._begun:
                    await self._begin(ending.status, {"content-type": "application/json", **ending.headers})
                await self._send({"type": "http.response.body", "body": ending.body, "more_body": False})
        except TimeoutError:
            pass  # the server closes the connection

    async def _talk(self) -> Ending:
        try:
            async with self._client.request("POST", self._admitted.path, self._admitted.body) as response:
                kind = response.headers.get("content-type", "")
                if response.is_success and "text/event-stream" in kind.lower():
                    return await self._stream(response)
                return self._judge(response, await read_whole(response))
        except _NEVER_SENT as error:
            failure = failures.service("the model's service cannot be reached", self._words(error))
            return self._failed(failure, 502, tokens=NOTHING)
        except (httpx2.HTTPError, ValueError) as error:
            return self._failed(failures.service("the model's service broke off", self._words(error)), 502)

    def _judge(self, response: httpx2.Response, body: bytes) -> Ending:
        """What an answer in one piece means."""
        status, document = response.status_code, sse.document_of(body)
        headers = self._headers(response)
        if document is None and status < 400:
            failure = failures.service("the model's service answered no JSON", f"HTTP {status}", status)
            return self._failed(failure, 502)
        self._meter.see(document or {})
        if response.is_success:
            words = sse.error_of(document or {})
            failed = None if words is None else failures.service(_BROKE, self._redactor.mask(words), status)
            tokens = self._meter.count()
        else:
            words = (sse.error_of(document) if document else None) or body.decode("utf-8", "replace")
            words = self._redactor.mask(words)
            failed = failures.upstream_said(status, words)
            tokens = self._meter.reported()
            body = body if document else error_body(failed.code, words[: failures.MOST_MESSAGE])
        masked = self._redactor.mask_bytes(body)
        # a status below 400 that is no success is a redirect: never followed, here or inside
        status = 502 if 300 <= status < 400 else status
        return Ending(status=status, tokens=tokens, body=masked, headers=headers, failure=failed)

    async def _stream(self, response: httpx2.Response) -> Ending:
        """Pass events on until the last, which is kept back for `finish`."""
        headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
        await self._begin(response.status_code, headers | self._headers(response))
        lines, whole = sse.Lines(), False
        failure: Failure | None = None
        async for portion in response.aiter_bytes():
            passing = bytearray()
            for line in lines.feed(portion):
                data = sse.data_of(line)
                document = sse.document_of(data) if data is not None else None
                if document is not None:
                    self._meter.see(document, part=True)
                    whole = whole or sse.is_whole(document)
                    if words := sse.error_of(document):
                        failure = failures.service(_BROKE, self._redactor.mask(words), response.status_code)
                if data is not None and sse.is_last(data, document):
                    await self._pass_on(passing)
                    rest = self._redactor.mask_bytes(line + b"\n")
                    return Ending(status=response.status_code, tokens=self._meter.count(), body=rest, failure=failure)
                passing += line
            await self._pass_on(passing)
        if whole or failure:
            return Ending(status=response.status_code, tokens=self._meter.count(), failure=failure)
        return self._failed(failures.service("the model's service broke off", "the stream has no end"), 502)

    def _failed(self, failure: Failure, status: int, tokens: Tokens | None = None) -> Ending:
        """An ending that the sandbox is told in our words, also in the middle of a stream."""
        error = error_body(failure.code, ": ".join(filter(None, (failure.message, failure.detail.get("message")))))
        body = b"\ndata: " + error + b"\n\n" if self._begun else error
        counted = self._meter.count() if tokens is None else tokens
        return Ending(status=status, tokens=counted, body=body, failure=failure)

    def _words(self, error: Exception) -> str:
        return self._redactor.mask(str(error) or type(error).__name__)

    def _headers(self, response: httpx2.Response) -> dict[str, str]:
        """The few headers that an SDK reads; no cookie, nothing about the account."""
        return {
            name: self._redactor.mask(value)
            for name, value in response.headers.items()
            if name in _PASSED_ON or name.startswith("x-ratelimit-")
        }

    async def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        raw = [
            (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]
        self._begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def _pass_on(self, lines: bytearray) -> None:
        if lines:
            body = self._redactor.mask_bytes(bytes(lines))
            await self._send({"type": "http.response.body", "body": body, "more_body": True})


_BROKE = "the model's service reported an error"


async def read_whole(response: httpx2.Response) -> bytes:
    """The whole body. Raises ValueError over MAX_ANSWER bytes, httpx2.HTTPError when it is cut off."""
    body = bytearray()
    async for portion in response.aiter_bytes():
        body += portion
        if len(body) > MAX_ANSWER:
            raise ValueError("the answer is too large")
    return bytes(body)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
