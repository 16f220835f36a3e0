"""Live streams as server-sent events: each reads the store at its own pace, so a slow one slows nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pithy_local.http.answers import HEADERS
from pithy_local.http.chunks import Chunks
from pithy_local.http.context import Context
from pithy_local.store.events import Head

RETRY = b"retry: 2000\n\n"
"""How long a browser's EventSource waits before it comes back, in ms."""
BEAT = b": still here\n\n"

Parts = AsyncGenerator[bytes, None]


class Streaming(Response):
    """A response of parts; what makes them ends as soon as the client has left."""

    def __init__(self, parts: Parts, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(media_type=media_type, headers={**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send, with_body=scope["method"] != "HEAD"))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (sending, leaving):
                each.cancel()
            await asyncio.wait((sending, leaving))
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send, *, with_body: bool) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._parts) as parts:
            async for part in parts if with_body else _nothing():
                await send({"type": "http.response.body", "body": part, "more_body": True})
                await asyncio.sleep(0)  # `send` may not wait at all: that the client has left must be heard in between
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _nothing() -> Parts:
    """What a HEAD request gets."""
    for part in list[bytes]():
        yield part


async def _left(receive: Receive) -> None:
    """Wait until the client closes its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def events(parts: Parts) -> Streaming:
    return Streaming(parts, "text/event-stream", {"x-accel-buffering": "no"})


async def log_events(context: Context, task_id: str, after: int) -> Parts:
    """Every line after `after` once and in order, `event: status` and `event: phase` as the task gets on.

    The first event of each connection is a status: what changed meanwhile is known. Ends after a settled one.
    """
    yield RETRY
    async with context.watch.task(task_id) as feed:
        shown: Head | None = None
        async for head in feed.values(context.patience.heartbeat):
            if head is None:
                yield BEAT
                continue
            async for lines in _lines(context.chunks, task_id, after, head.seq):
                after, data = lines
                yield data
            kind = _kind(shown, head)
            shown = head
            if kind:
                yield (await context.chunks.status(task_id, head, kind)).data
            if head.status.settled:
                return


async def _lines(chunks: Chunks, task_id: str, after: int, last: int) -> AsyncIterator[tuple[int, bytes]]:
    """Pages of lines up to `last`, each with its last number."""
    while after < last:
        chunk = await chunks.log(task_id, after)
        if not chunk.data:
            return  # retention was quicker
        after = chunk.last
        yield after, chunk.data


def _kind(shown: Head | None, head: Head) -> str:
    """Which event tells of the step from one to the other; "" for none."""
    if shown is None or (shown.status, shown.attempt) != (head.status, head.attempt):
        return "status"
    return "phase" if shown.phase != head.phase and head.phase else ""


async def change_events(context: Context, after: int) -> Parts:
    """Every task's `event: status` and `event: phase` with an id above `after`."""
    yield RETRY
    async with context.watch.all() as feed:
        async for newest in feed.values(context.patience.heartbeat):
            if newest is None:
                yield BEAT
                continue
            while after < newest:
                chunk = await context.chunks.changes(after)
                after = newest if chunk.last == after else chunk.last
                if chunk.data:
                    yield chunk.data
