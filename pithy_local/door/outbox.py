"""Frames on their way to the door, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from pithy_local.door.frames import Breach

HIGH = 1024 * 1024
"""Bytes waiting to be written above which `send` waits."""
MOST = 16_384
"""Frames waiting above which the door counts as one that does not read: it makes us answer and takes no answer."""
_BATCH = 256 * 1024


class Outbox:
    """`post` never waits, so that who reads from the door never depends on the door reading; `send` does."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def post(self, frame: bytes) -> None:
        """Queue a frame. Raises Breach when the door takes none."""
        if len(self._frames) >= MOST:
            raise Breach("the door does not read")
        self._frames.append(frame)
        self._size += len(frame)
        self._filled.set()
        if self._size > HIGH:
            self._room.clear()

    async def send(self, frame: bytes) -> None:
        """Queue a frame once there is room."""
        while not self._room.is_set():
            await self._room.wait()
        self.post(frame)

    async def run(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write what is queued, until cancelled or `write` fails."""
        while True:
            await self._filled.wait()
            await write(self._batch())

    def _batch(self) -> bytes:
        batch = bytearray()
        while self._frames and len(batch) < _BATCH:
            batch += self._frames.popleft()
        self._size -= len(batch)
        if not self._frames:
            self._filled.clear()
        if self._size <= HIGH:
            self._room.set()
        return bytes(batch)
