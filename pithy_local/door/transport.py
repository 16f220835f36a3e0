"""The byte stream to the door's process: docker-py's exec socket, or the stdin and stdout of a command.

Both say nothing of frames. `close` shuts the stream down at once; the door sees its stdin end and leaves.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from typing import Any, Protocol

from pithy_local.door.stdcopy import Demux

READ_SIZE = 256 * 1024
DIAGNOSTICS = 4096
"""Bytes kept of the end of what the door's process says on stderr."""


class Transport(Protocol):
    """A two-way byte stream; use it on one event loop only."""

    async def read(self) -> bytes:
        """Some bytes; b"" at the end. Raises OSError, Breach."""

    async def write(self, data: bytes) -> None:
        """Write all of it, waiting while the other end does not read. Raises OSError. One call at a time."""

    def close(self) -> None:
        """End the stream at once, both ways. Idempotent."""

    async def wait_closed(self) -> None:
        """After `close`: wait until nothing of it is left."""

    @property
    def diagnostics(self) -> str:
        """The last the other end's process said on stderr: for an error's detail, never trusted."""


class SocketTransport:
    """What docker-py's `exec_start(..., socket=True)` returns: a raw stream with docker's own framing of stdout.

    Unix and TCP sockets, and a pair's end, go to the event loop as they are. Other kinds (TLS, named pipes) raise
    TypeError: they are the command line's business (`CliTransport`).
    """

    def __init__(self, raw_socket: Any) -> None:
        # docker-py hands out a socket.SocketIO. It holds a reference: closing the socket alone leaves it open.
        self._wrapper = raw_socket
        sock = getattr(raw_socket, "_sock", raw_socket)
        if not isinstance(sock, socket.socket) or isinstance(sock, ssl.SSLSocket):
            raise TypeError(f"the engine's connection is a {type(sock).__name__}, not a plain socket")
        sock.settimeout(None)
        self._sock = sock
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._opening = asyncio.Lock()
        self._demux = Demux(keep=DIAGNOSTICS)

    async def read(self) -> bytes:
        reader, _ = await self._opened()
        while data := await reader.read(READ_SIZE):
            if output := self._demux.feed(data):
                return output
        return b""

    async def write(self, data: bytes) -> None:
        _, writer = await self._opened()
        writer.write(data)
        await writer.drain()

    def close(self) -> None:
        try:
            # close() alone would leave the connection, and so the door and its port, alive while anyone refers to it
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is down already
        if self._streams is None:
            self._sock.close()
        else:
            self._streams[1].transport.abort()
        self._wrapper.close()

    async def wait_closed(self) -> None:
        if self._streams is not None:
            await _wait_closed(self._streams[1])

    @property
    def diagnostics(self) -> str:
        return self._demux.stderr.decode("utf-8", "replace")

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with self._opening:
            if self._streams is None:
                self._sock.setblocking(False)
                self._streams = await asyncio.open_connection(sock=self._sock, limit=READ_SIZE)
            return self._streams


class CliTransport:
    """A command's stdin and stdout, as in `docker exec -i`: TLS and named pipes are the command's business."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the process needs pipes for stdin, stdout and stderr")
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self.pid = process.pid
        self._stderr = b""
        self._listener = asyncio.create_task(self._listen(process.stderr))

    @classmethod
    async def start(cls, argv: Sequence[str]) -> CliTransport:
        """Start the command. Raises OSError when there is none of that name."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            limit=READ_SIZE,
            start_new_session=True,  # a terminal's ctrl+c is for us: the door must outlive it until the work is ended
        )
        return cls(process)

    async def read(self) -> bytes:
        return await self._stdout.read(READ_SIZE)

    async def write(self, data: bytes) -> None:
        self._stdin.write(data)
        await self._stdin.drain()

    def close(self) -> None:
        if not self._stdin.is_closing():
            self._stdin.transport.abort()
        if self._process.returncode is None:
            self._process.kill()

    async def wait_closed(self) -> None:
        while await self._stdout.read(READ_SIZE):
            pass  # asyncio forgets a process only when its pipes were read to their ends
        await self._listener
        await self._process.wait()
        await _wait_closed(self._stdin)

    @property
    def diagnostics(self) -> str:
        return self._stderr.decode("utf-8", "replace")

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        while data := await stderr.read(DIAGNOSTICS):
            self._stderr = (self._stderr + data)[-DIAGNOSTICS:]


async def _wait_closed(writer: asyncio.StreamWriter) -> None:
    try:
        await writer.wait_closed()
    except OSError:
        pass  # how it ended was told to the one who read
