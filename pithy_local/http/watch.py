"""One look a process at what was committed, however many streams there are; each is woken by what concerns it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from pithy_local import service
from pithy_local.errors import PithyError
from pithy_local.http.pool import Pool
from pithy_local.service import App
from pithy_local.store.events import Head

POLL_SECONDS = 0.02
"""Between two looks, which cost microseconds: for that long a new line waits at most, beside its reading."""
TROUBLE_SECONDS = 1.0
"""Before the store is read again after it could not be."""


V = TypeVar("V", Head, int)


class Feed(Generic[V]):
    """What several streams watch together: where one task stands, or the newest change of all."""

    def __init__(self) -> None:
        self.streams = 0
        self._value: V | None = None
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, value: V | None) -> None:
        """None: there is nothing to watch any more."""
        if value is None:
            self.close()
        elif value != self._value:
            self._value = value
            self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def values(self, heartbeat: float) -> AsyncGenerator[V | None, None]:
        """The value whenever it is another one; None after `heartbeat` seconds without. Ends with the feed."""
        seen: V | None = None
        while True:
            try:
                async with asyncio.timeout(heartbeat):
                    while self._value == seen and not self._closed:
                        await self._changed.wait()
            except TimeoutError:
                yield None
                continue
            if self._closed:
                return
            seen = self._value
            yield seen


class Watch:
    """Runs on the event loop. Looks only while somebody listens."""

    def __init__(self, app: App, pool: Pool, say: Callable[[str], None]) -> None:
        self._app, self._pool, self._say = app, pool, say
        self._tasks: dict[str, Feed[Head]] = {}
        self._all: Feed[int] | None = None
        self._token: tuple[int, int] | None = None
        self._listened = asyncio.Event()
        self._closing = False

    @asynccontextmanager
    async def task(self, task_id: str) -> AsyncIterator[Feed[Head]]:
        """The feed of one task."""
        feed = self._tasks.setdefault(task_id, Feed())
        self._join(feed)
        try:
            yield feed
        finally:
            feed.streams -= 1
            if not feed.streams:
                self._tasks.pop(task_id, None)
                self._rest()

    @asynccontextmanager
    async def all(self) -> AsyncIterator[Feed[int]]:
        """The feed of the newest change's id."""
        feed = self._all = self._all or Feed()
        self._join(feed)
        try:
            yield feed
        finally:
            feed.streams -= 1
            if not feed.streams:
                self._all = None
                self._rest()

    @property
    def streams(self) -> int:
        """How many listen."""
        return sum(feed.streams for feed in self._feeds())

    def close(self) -> None:
        """End every stream, and those that would begin."""
        self._closing = True
        for feed in self._feeds():
            feed.close()

    async def run(self) -> None:
        """Look and wake, for ever."""
        try:
            while True:
                await self._listened.wait()
                try:
                    await self._look()
                except PithyError as error:
                    self._token = None
                    self._say(f"{error.message}: trying again")
                    await asyncio.sleep(TROUBLE_SECONDS)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self._app.store.close_thread()

    async def _look(self) -> None:
        token = self._app.store.change_token()  # on this thread: it never waits
        if token == self._token:
            return
        self._token = token
        ids = list(self._tasks)
        heads = await self._pool.quick(service.heads, self._app, ids) if ids else {}
        for task_id in ids:
            if task_id in self._tasks:
                self._tasks[task_id].put(heads.get(task_id))
        if self._all is not None:
            last = await self._pool.quick(service.last_change, self._app)
            if self._all is not None:
                self._all.put(last)

    def _join(self, feed: Feed[Head] | Feed[int]) -> None:
        feed.streams += 1
        if self._closing:
            feed.close()
        self._token = None  # a new feed has no value yet
        self._listened.set()

    def _rest(self) -> None:
        if not self._feeds():
            self._listened.clear()

    def _feeds(self) -> list[Feed[Head] | Feed[int]]:
        return [*self._tasks.values(), *([self._all] if self._all else [])]
