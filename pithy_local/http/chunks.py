"""Pieces of streams, made once for all who read the same: a hundred viewers of a log cost one of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from pithy_local import service
from pithy_local.errors import NoSuchTask
from pithy_local.http.answers import encode
from pithy_local.http.pool import Pool
from pithy_local.service import App
from pithy_local.store.events import Head

PAGE_LINES, PAGE_CHARS = 500, 256_000
"""What one piece of a log holds at most; whoever reads slowly holds one piece in memory."""
KEPT_BYTES = 8_000_000
"""Pieces that are kept for the next reader, over all streams."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Server-sent events as they are sent, and the number of the last of them; empty when there is nothing more."""

    data: bytes
    last: int


class Chunks:
    """Made in the pool's threads; each by the first who asks, while the others wait for it."""

    def __init__(self, app: App, pool: Pool) -> None:
        self._app, self._pool = app, pool
        self._made: OrderedDict[Hashable, asyncio.Future[Chunk]] = OrderedDict()
        self.kept_bytes = 0

    async def log(self, task_id: str, after: int) -> Chunk:
        """Lines with seq > `after`: the first page of them."""
        return await self._once(("log", task_id, after), lambda: _log(self._app, task_id, after))

    async def changes(self, after: int) -> Chunk:
        """Changes of all tasks with a higher id, with the tasks as they are now: the first page of them."""
        return await self._once(("changes", after), lambda: _changes(self._app, after))

    async def status(self, task_id: str, head: Head, kind: str) -> Chunk:
        """The task as one event."""
        return await self._once((kind, task_id, head), lambda: _status(self._app, task_id, kind))

    async def _once(self, key: Hashable, make: Callable[[], Chunk]) -> Chunk:
        if key not in self._made:
            self._made[key] = made = asyncio.ensure_future(self._make(key, make))
            made.add_done_callback(_looked_at)
        return await asyncio.shield(self._made[key])  # who leaves does not take it from the others

    async def _make(self, key: Hashable, make: Callable[[], Chunk]) -> Chunk:
        try:
            chunk = await self._pool.quick(make)
        except BaseException:
            del self._made[key]
            raise
        if not chunk.data:
            del self._made[key]  # there may be more in a moment
        self.kept_bytes += len(chunk.data)
        while self.kept_bytes > KEPT_BYTES:
            self._drop_oldest()
        return chunk

    def _drop_oldest(self) -> None:
        for key, made in self._made.items():
            if made.done():
                del self._made[key]
                self.kept_bytes -= len(made.result().data)
                return
        self.kept_bytes = 0  # all that is left is being made


def _looked_at(made: asyncio.Future[Chunk]) -> None:
    """Whoever asked may have left: then nobody else takes its failure."""
    if not made.cancelled():
        made.exception()


def _log(app: App, task_id: str, after: int) -> Chunk:
    lines = service.log_page(app, task_id, after=after, limit=PAGE_LINES, max_chars=PAGE_CHARS)
    data = b"".join(b"id: %d\ndata: %b\n\n" % (line.seq, encode(line.to_json())) for line in lines)
    return Chunk(data=data, last=lines[-1].seq if lines else after)


def _changes(app: App, after: int) -> Chunk:
    changes = service.changes(app, after=after)
    events = []
    for change in changes:
        try:
            task = encode(service.find(app, change.task).to_json())
        except NoSuchTask:
            continue  # removed in this moment
        events.append(b"id: %d\nevent: %b\ndata: %b\n\n" % (change.id, change.kind.encode(), task))
    return Chunk(data=b"".join(events), last=changes[-1].id if changes else after)


def _status(app: App, task_id: str, kind: str) -> Chunk:
    try:
        task = encode(service.find(app, task_id).to_json())
    except NoSuchTask:
        return Chunk(data=b"", last=0)  # removed in this moment: its feed ends
    return Chunk(data=b"event: %b\ndata: %b\n\n" % (kind.encode(), task), last=0)
