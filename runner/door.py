"""The sandbox's only way out: connections to 127.0.0.1 in here, carried as frames over this process's stdin and stdout.

Started from outside as `python3 -I -S door.py` under a user of its own. Knows no secret and no model; what the
frames mean is told in the host's `door/frames.py`, which cannot be imported here: a test holds the two together.
The host speaks first. The door leaves when its stdin ends, when no PING came for the heartbeat's time, and when a
frame breaks a rule. Exit codes: 0 the host hung up, 1 it could not listen, 2 a broken frame, 3 silence.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
from typing import Any

VERSION = 1
HEADER = struct.Struct(">BII")
HELLO, OPEN, DATA, EOF, RST, CREDIT, PING, PONG = range(8)
WINDOW = 256 * 1024
CHUNK = 64 * 1024
MAX_STREAMS = 256
RULES = {
    HELLO: (False, 2, CHUNK),
    OPEN: (True, 1, 32),
    DATA: (True, 1, CHUNK),
    EOF: (True, 0, 0),
    RST: (True, 0, 0),
    CREDIT: (True, 4, 4),
    PING: (False, 8, 8),
    PONG: (False, 8, 8),
}
LISTEN_QUEUE = 512
_TICKS = 15
"""Ticks of a heartbeat: a process that was paused finds one tick gone, and not its whole heartbeat."""


class Malformed(Exception):
    """The host broke the protocol."""


def encode(kind: int, stream: int = 0, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return HEADER.pack(kind, stream, len(payload)) + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Kind, stream and payload of the next frame. Raises Malformed, asyncio.IncompleteReadError at the end."""
    kind, stream, length = HEADER.unpack(await reader.readexactly(HEADER.size))
    of_stream, least, most = RULES.get(kind, (None, 0, 0))
    if of_stream is None or (stream != 0) is not of_stream or not least <= length <= most:
        raise Malformed(f"kind {kind}, stream {stream}, {length} bytes")
    return kind, stream, await reader.readexactly(length)


class Stream:
    """One connection from inside the sandbox."""

    def __init__(self, number: int, task: asyncio.Task[Any] | None) -> None:
        self.number = number
        self.task = task
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.untaken = 0
        self.credit = WINDOW
        self.may_send = asyncio.Event()
        self.may_send.set()

    def take(self, kind: int, payload: bytes) -> None:
        """Take one frame of this stream; never waits. Raises Malformed."""
        if kind == RST and self.task is not None:
            self.task.cancel()
        elif kind == CREDIT:
            self.credit += int.from_bytes(payload, "big")
            self.may_send.set()
        elif kind in (DATA, EOF):
            self.untaken += len(payload)
            if self.untaken > WINDOW:
                raise Malformed("more data than the window allows")
            self.inbox.put_nowait(payload)


class Door:
    """The frames' end on one side, the listening sockets on the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self._streams: dict[int, Stream] = {}
        self._opened = 0
        self._silent = 0
        self._servers: list[asyncio.AbstractServer] = []

    async def run(self) -> int:
        """Everything from HELLO to the end; returns the exit code."""
        kind, _, payload = await read_frame(self._reader)
        if kind != HELLO:
            raise Malformed("the first frame is not HELLO")
        hello = json.loads(payload)
        problem = await self._listen(hello["ports"], hello["bind_seconds"])
        answer = {"version": VERSION, "ok": problem is None, "error": problem}
        await self._send(encode(HELLO, 0, json.dumps(answer).encode()))
        if problem is not None:
            return 1
        watching = asyncio.ensure_future(self._watch(hello["heartbeat"] / _TICKS))
        try:
            await self._read()
        finally:
            watching.cancel()
        return 0

    async def _listen(self, ports: dict[str, int], seconds: float) -> str | None:
        """Listen for every service; an earlier door whose host has died may hold a port for a while."""
        deadline = asyncio.get_running_loop().time() + seconds
        for service, port in ports.items():
            while True:
                try:
                    self._servers.append(await self._serve(service, port))
                    break
                except OSError as error:
                    if asyncio.get_running_loop().time() >= deadline:
                        return str(error)
                    await asyncio.sleep(0.1)
        return None

    async def _serve(self, service: str, port: int) -> asyncio.AbstractServer:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._carry(service, reader, writer)

        return await asyncio.start_server(accept, "127.0.0.1", port, backlog=LISTEN_QUEUE)

    async def _read(self) -> None:
        while True:
            kind, number, payload = await read_frame(self._reader)
            if kind == PING:
                self._silent = 0
                await self._send(encode(PONG, 0, payload))
            elif kind not in (DATA, EOF, RST, CREDIT):
                raise Malformed(f"kind {kind} from the host")
            elif number in self._streams:
                self._streams[number].take(kind, payload)

    async def _watch(self, tick: float) -> None:
        while self._silent < _TICKS:
            self._silent += 1
            await asyncio.sleep(tick)
        os._exit(3)

    async def _carry(self, service: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its OPEN to its end."""
        if len(self._streams) >= MAX_STREAMS:
            writer.transport.abort()
            return
        self._opened += 1
        stream = self._streams[self._opened] = Stream(self._opened, asyncio.current_task())
        await self._send(encode(OPEN, stream.number, service.encode()))
        halves = [
            asyncio.ensure_future(self._outwards(stream, reader)),
            asyncio.ensure_future(self._inwards(stream, writer)),
        ]
        try:
            await asyncio.gather(*halves)
            writer.close()
        except asyncio.CancelledError:
            pass  # the host has reset it
        except OSError:
            await self._send(encode(RST, stream.number))
        finally:
            for half in halves:
                half.cancel()
            del self._streams[stream.number]
            if not writer.is_closing():
                writer.transport.abort()

    async def _outwards(self, stream: Stream, reader: asyncio.StreamReader) -> None:
        while True:
            await stream.may_send.wait()
            data = await reader.read(min(CHUNK, stream.credit))
            if not data:
                break
            stream.credit -= len(data)
            if stream.credit <= 0:
                stream.may_send.clear()
            await self._send(encode(DATA, stream.number, data))
        await self._send(encode(EOF, stream.number))

    async def _inwards(self, stream: Stream, writer: asyncio.StreamWriter) -> None:
        while True:
            data = await stream.inbox.get()
            if not data:
                break
            writer.write(data)
            await writer.drain()
            stream.untaken -= len(data)
            await self._send(encode(CREDIT, stream.number, len(data).to_bytes(4, "big")))
        writer.write_eof()

    async def _send(self, frame: bytes) -> None:
        async with self._turn:  # waits while the host does not read; the host always reads
            self._writer.write(frame)
            await self._writer.drain()


async def main() -> int:
    """Run a door on this process's stdin and stdout; returns the exit code."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    out = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    transport, _ = await loop.connect_write_pipe(lambda: out, os.fdopen(os.dup(1), "wb", 0))
    try:
        return await Door(reader, asyncio.StreamWriter(transport, out, None, loop)).run()
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    except (Malformed, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"door: {type(error).__name__}: {error}\n")
        sys.stderr.flush()
        return 2


if __name__ == "__main__":
    os._exit(asyncio.run(main()))
