"""One admitted call: to the upstream, back to the sandbox, and how it ended.

An answer in one piece is read whole before a byte of it goes on, a stream goes on line by line. Neither is complete
on the sandbox's side before the call was settled: who sees the end may rely on the count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.types import Send

from pithy_local.door import failures, sse
from pithy_local.door.admission import Admitted
from pithy_local.door.answers import error_body, error_event
from pithy_local.door.failures import Failure, Said
from pithy_local.door.upstream import UpstreamClient
from pithy_local.door.usage import NOTHING, Meter, Tokens
from pithy_local.redact import Redactor

MAX_ANSWER = 8 * 1024 * 1024
MAX_STREAM = 64 * 1024 * 1024
"""A stream's framing is many times its text."""
CLIENT_GONE = 499
"""The status of a call whose client left (nginx's word for it)."""
_FINISH_SECONDS = 5.0
"""How long the end of an answer waits for a client that does not read."""
_REQUEST_IDS = ("x-request-id", "request-id")
_PASSED_ON = ("retry-after", "retry-after-ms", "x-should-retry", *_REQUEST_IDS)
_PASSED_ON_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.LocalProtocolError,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)
_BROKE_OFF = "the model's service broke off"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a call ended. `body` is the whole answer, or what is left of one that has begun. `limited`: the provider
    limits the rate, and these headers may say for how long."""

    status: int
    tokens: Tokens
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    limited: Mapping[str, str] | None = None

    @property
    def good(self) -> bool:
        return self.failure is None and self.status < 400


class Exchange:
    """`run` it once, settle what it returns, then `finish`."""

    def __init__(
        self, *, client: UpstreamClient, redactor: Redactor, admitted: Admitted, version: str, send: Send
    ) -> None:
        self.begun = False
        """Whether the sandbox has seen a part of the answer."""
        self.leaked = False
        """Whether a good answer held a secret of the host's, which was masked."""
        self._client = client
        self._provider = client.upstream.name
        self._redactor = redactor
        self._admitted = admitted
        self._version = version
        self._send = send
        self._meter = Meter(len(admitted.body), admitted.output_tokens if admitted.bounded else None)
        self._unread = bytearray()
        """What has come of an answer in one piece, until it is whole."""

    async def run(self, gone: asyncio.Future[None], seconds: float, limit: float) -> Ending:
        """The call, the client leaving (`gone`), or `seconds`, what is left of the call's time `limit`: whichever
        comes first."""
        work = asyncio.create_task(self._talk())
        either: set[asyncio.Future[Any]] = {work, gone}
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if gone.done():
                return self.abandoned()
            return self._failed(failures.too_slow(limit), 504)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def abandoned(self) -> Ending:
        """Nobody waits for the answer any more."""
        return Ending(status=CLIENT_GONE, tokens=self._cut_short())

    async def finish(self, ending: Ending) -> None:
        """Send what is left to send; gives up on a client that does not read."""
        try:
            async with asyncio.timeout(_FINISH_SECONDS):
                if not self.begun:
                    await self._begin(ending.status, {"content-type": "application/json", **ending.headers})
                await self._send({"type": "http.response.body", "body": ending.body, "more_body": False})
        except TimeoutError:
            pass  # the server closes the connection

    async def _talk(self) -> Ending:
        path, body = self._admitted.path, self._admitted.body
        try:
            async with self._client.request("POST", path, body, version=self._version) as response:
                kind = response.headers.get("content-type", "")
                if response.is_success and "text/event-stream" in kind.lower():
                    return await self._stream(response)
                await read_into(self._unread, response)
                return self._judge(response, bytes(self._unread))
        except _NEVER_SENT as error:
            failure = failures.service("the model's service cannot be reached", self._words(error))
            return self._failed(failure, 502, tokens=NOTHING)
        except (httpx2.HTTPError, ValueError) as error:
            return self._failed(failures.service(_BROKE_OFF, self._words(error)), 502)

    def _judge(self, response: httpx2.Response, body: bytes) -> Ending:
        """What an answer in one piece means."""
        status, document = response.status_code, sse.document_of(body)
        if not response.is_success:
            return self._refused(response, body, document)
        if document is None:
            return self._failed(failures.service("the model's service answered no JSON", f"HTTP {status}", status), 502)
        self._meter.see(document)
        said = failures.error_in(document)
        limited = self._limited(response, said) if said else None
        return Ending(
            status=status, tokens=self._meter.count(whole=True) if limited is None else self._meter.reported(),
            body=self._without_secrets(body), headers=self._headers(response),
            failure=self._told(response, said) if said else None, limited=limited,
        )  # fmt: skip

    def _refused(self, response: httpx2.Response, body: bytes, document: Mapping[str, object] | None) -> Ending:
        """An error status: it costs what the upstream says that it cost."""
        status = response.status_code
        self._meter.see(document or {})
        said = failures.error_in(document or {}) or Said(words=body.decode("utf-8", "replace"))
        failure, headers = self._told(response, said), self._headers(response)
        if failures.is_quota(status, said):
            status, body = 429, error_body(failure.code, failure.message, self._provider)
        elif document is None or status < 400:
            # a status below 400 that is no success is a redirect: never followed, here or inside
            status = 502 if status < 400 else status
            body = error_body(failure.code, failure.detail["message"], self._provider)
        return Ending(
            status=status, tokens=self._meter.reported(), body=self._redactor.mask_bytes(body), headers=headers,
            failure=failure, limited=self._limited(response, said),
        )  # fmt: skip

    async def _stream(self, response: httpx2.Response) -> Ending:
        """Pass events on until the last, which is kept back for `finish`."""
        headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
        await self._begin(response.status_code, headers | self._headers(response))
        lines, size, whole = sse.Lines(), 0, False
        said: Said | None = None
        async for portion in response.aiter_bytes():
            size += len(portion)
            if size > MAX_STREAM:
                raise ValueError("the answer is too large")
            passing = bytearray()
            for line in lines.feed(portion):
                data = sse.data_of(line)
                document = sse.document_of(data) if data is not None else None
                if document is not None:
                    self._meter.see(document, part=True)
                    whole = whole or sse.is_whole(document)
                    said = said or failures.error_in(document)
                if data is not None and sse.is_last(data, document):
                    await self._pass_on(passing)
                    return self._streamed(response, said, whole=True, rest=line + b"\n")
                passing += line
            await self._pass_on(passing)
        if whole or said:
            return self._streamed(response, said, whole=whole)
        return self._failed(failures.service(_BROKE_OFF, "the stream has no end"), 502)

    def _streamed(self, response: httpx2.Response, said: Said | None, *, whole: bool, rest: bytes = b"") -> Ending:
        return Ending(
            status=response.status_code, tokens=self._meter.count(whole=whole), body=self._without_secrets(rest),
            failure=self._told(response, said) if said else None,
            limited=self._limited(response, said) if said else None,
        )  # fmt: skip

    def _told(self, response: httpx2.Response, said: Said) -> Failure:
        """The failure that an upstream's error means, without the key."""
        ids = (response.headers.get(name) for name in _REQUEST_IDS)
        request_id = self._redactor.mask(next(filter(None, ids), ""))
        masked = Said(words=self._redactor.mask(said.words), kinds=said.kinds)
        return failures.upstream_said(response.status_code, masked, request_id)

    def _limited(self, response: httpx2.Response, said: Said) -> Mapping[str, str] | None:
        status = response.status_code if response.status_code >= 400 else said.status
        return response.headers if status == 429 and not failures.is_quota(status, said) else None

    def _failed(self, failure: Failure, status: int, tokens: Tokens | None = None) -> Ending:
        """An ending that the sandbox is told in our words, also in the middle of a stream."""
        words = ": ".join(filter(None, (failure.message, failure.detail.get("message"))))
        error = error_body(failure.code, words, self._provider)
        body = error_event(error, self._provider) if self.begun else error
        counted = self._cut_short() if tokens is None else tokens
        return Ending(status=status, tokens=counted, body=body, failure=failure)

    def _cut_short(self) -> Tokens:
        """The count of an answer without an end: nobody says what it cost, but it did cost something."""
        self._meter.see_fragment(len(self._unread))
        self._unread.clear()
        return self._meter.count(whole=False)

    def _words(self, error: Exception) -> str:
        return self._redactor.mask(str(error) or type(error).__name__)

    def _headers(self, response: httpx2.Response) -> dict[str, str]:
        """The few headers that an SDK reads; no cookie, nothing about the account."""
        return {
            name: self._redactor.mask(value)
            for name, value in response.headers.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
        }

    async def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        raw = [
            (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers.items()
        ]
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def _pass_on(self, lines: bytearray) -> None:
        if lines:
            body = self._without_secrets(bytes(lines))
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def _without_secrets(self, body: bytes) -> bytes:
        masked = self._redactor.mask_bytes(body)
        self.leaked = self.leaked or masked != body
        return masked


async def read_into(body: bytearray, response: httpx2.Response) -> None:
    """Append the whole body to `body`. Raises ValueError over MAX_ANSWER bytes, httpx2.HTTPError when it is cut off."""
    async for portion in response.aiter_bytes():
        body += portion
        if len(body) > MAX_ANSWER:
            raise ValueError("the answer is too large")
