"""The report service: the runner's numbered events and diffs, taken once each.

Everything here was said by something inside a sandbox: hints for the host, never evidence.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pithy_local.door.answers import Refusal, json_response, read_body

MAX_EVENT = 4 * 1024 * 1024
MAX_MESSAGE = 4000
"""Characters kept of a result's message."""
_AT_ONCE = 4
"""Bodies held in memory at a time."""


@dataclass(frozen=True)
class Event:
    """One event as the runner sent it; `data` has the keys of its kind (`_SHAPES`)."""

    n: int
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Result:
    """How the runner says it ended.

    `outcome`: ready | failed | question; `code`: a hint at an error code; `message`: the question, where it is one;
    `mended`: hunks of the change that a reviewer should look at.
    """

    outcome: str
    code: str | None
    message: str
    detail: dict[str, Any]
    mended: int = 0


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What an earlier owner of the attempt has taken: the number of the last report, the result and the last diff."""

    number: int = 0
    result: Result | None = None
    diff: bytes | None = None


class _Step(Struct, frozen=True):
    name: str
    round: int
    text: str


class _Reply(Struct, frozen=True):
    round: int
    text: str
    finish_reason: str
    provider: str
    model: str


class _Answer(Struct, frozen=True):
    round: int
    verdict: Literal["applied", "patch_rejected", "patch_malformed", "truncated", "question", "empty"]


class _Rejected(Struct, frozen=True):
    round: int
    code: str
    reason: str
    patch: str


class _Result(Struct, frozen=True):
    outcome: Literal["ready", "failed", "question"]
    message: str
    code: str | None = None
    detail: dict[str, Any] = {}  # msgspec copies it for each instance
    mended: Annotated[int, Meta(ge=0, lt=2**31)] = 0


class _Envelope(Struct, frozen=True):
    n: Annotated[int, Meta(ge=1, lt=2**31)]
    kind: Literal["step", "reply", "answer", "rejected", "result"]
    data: dict[str, Any]


_SHAPES: dict[str, type[Struct]] = {
    "step": _Step,
    "reply": _Reply,
    "answer": _Answer,
    "rejected": _Rejected,
    "result": _Result,
}


class Reports:
    """Takes an attempt's reports in their order; `on_event` and `on_diff` run in a worker thread, one at a time.

    A report is acknowledged after its callback has returned, with what it writes down. Where the callback raises, the
    answer is a 500, the number stays open and the runner may send it again. `taken`: where to go on from.
    """

    def __init__(
        self,
        *,
        on_event: Callable[[Event], None],
        on_diff: Callable[[int, bytes], None],
        max_diff_bytes: int,
        taken: Taken = Taken(),
    ) -> None:
        self.settled = threading.Event()
        """Set by the `result` event, after `result` itself."""
        self.result: Result | None = taken.result
        self.diff: bytes | None = taken.diff
        """The last one posted."""
        if taken.result is not None:
            self.settled.set()
        self.routes = [
            Route("/host/event", self._event, methods=["POST"]),
            Route("/host/diff", self._diff, methods=["POST"]),
        ]
        self._on_event = on_event
        self._on_diff = on_diff
        self._max_diff_bytes = max_diff_bytes
        self._last = taken.number
        self._turn = asyncio.Lock()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def _event(self, request: Request) -> Response:
        async with self._room:
            event = _parse(await read_body(request, MAX_EVENT))
            return await self._once(event.n, lambda: self._take_event(event))

    async def _diff(self, request: Request) -> Response:
        number = request.query_params.get("n", "")
        if not (number.isascii() and number.isdecimal() and 1 <= len(number) <= 9 and int(number)):
            raise Refusal(422, "wrong_shape", "`n` must be a number from 1")
        async with self._room:
            diff = await read_body(request, self._max_diff_bytes)
            return await self._once(int(number), lambda: self._take_diff(int(number), diff))

    async def _once(self, number: int, take: Callable[[], None]) -> Response:
        """Take report `number` if it is the next; acknowledge a repeat without taking it again."""
        async with self._turn:
            if number > self._last + 1:
                raise Refusal(409, "out_of_order", f"the next report is number {self._last + 1}, not {number}")
            if number > self._last:
                if self.settled.is_set():
                    raise Refusal(409, "settled", "the result was reported before")
                await asyncio.to_thread(take)
                self._last = number
            return json_response(200, msgspec.json.encode({"ack": self._last}))

    def _take_event(self, event: Event) -> None:
        self._on_event(event)
        if event.kind == "result":
            self.result = result_of(event)
            self.settled.set()

    def _take_diff(self, number: int, diff: bytes) -> None:
        self._on_diff(number, diff)
        self.diff = diff


def result_of(event: Event) -> Result:
    """How the runner says it ended, in its last event."""
    said = msgspec.convert(event.data, _Result)
    return Result(said.outcome, said.code, said.message[:MAX_MESSAGE], said.detail, said.mended)


def _parse(body: bytes) -> Event:
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        msgspec.convert(envelope.data, _SHAPES[envelope.kind])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Refusal(422, "wrong_shape", f"not an event: {str(error)[:200]}") from None
    return Event(envelope.n, envelope.kind, envelope.data)
