"""The host's end of the door: connections made inside the container become connections to an ASGI app here.

No port is listened on: every stream is one end of a socketpair. One task reads frames and never waits for the other
end to read; one writes; one pings; each stream has a task of its own. When one of the three ends, all end.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import deque
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp

from pithy_local.door.frames import (
    CHUNK,
    HEARTBEAT,
    MAX_STREAMS,
    VERSION,
    WINDOW,
    Breach,
    Decoder,
    Frame,
    Kind,
    encode,
    encode_credit,
)
from pithy_local.door.outbox import Outbox
from pithy_local.door.serving import HttpServer
from pithy_local.door.transport import Transport
from pithy_local.errors import ErrorCode, PithyError

GATEWAY_PORT = 8111
"""Where the sandbox finds the gateway, on its own 127.0.0.1."""
PORTS: Mapping[str, int] = {"gateway": GATEWAY_PORT}
BIND_SECONDS = 18.0
"""How long the door tries to listen: an orphan of an earlier host holds the port until its heartbeat has stopped."""
_PINGS_A_HEARTBEAT = 5
_UNANSWERED = 20


class Relay:
    """One open door. `closed` is set when it has shut; `error` is then why, None where `aclose` did it."""

    def __init__(
        self,
        transport: Transport,
        app: ASGIApp,
        *,
        ports: Mapping[str, int] = PORTS,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        self.closed = asyncio.Event()
        self.error: Exception | None = None
        self._transport = transport
        self._http = HttpServer(app)
        self._ports = dict(ports)
        self._heartbeat = heartbeat
        self._decoder = Decoder()
        self._arrived: deque[Frame] = deque()
        self._outbox = Outbox()
        self._streams: dict[int, _Stream] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._seen = 0
        self._unanswered = 0
        self._main: asyncio.Task[None] | None = None

    async def start(self, timeout: float = 20.0) -> None:  # noqa: ASYNC109  # the contract with the executors
        """Greet the door and wait until it listens. Raises PithyError (container_lost); nothing is left open then."""
        try:
            async with asyncio.timeout(timeout):
                await self._greet()
        except (Breach, OSError, TimeoutError) as error:
            detail = {"reason": str(error) or type(error).__name__, "stderr": self._transport.diagnostics[-500:]}
            await self._hang_up()
            raise PithyError(ErrorCode.CONTAINER_LOST, "the sandbox's door did not open", detail=detail) from error
        except BaseException:
            await self._hang_up()
            raise
        self._main = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Shut the door and wait until every request that came through it has been dealt with. Idempotent."""
        if self._main is not None:
            self._main.cancel()
            await asyncio.wait({self._main})
        if not self.closed.is_set():  # never started, or cancelled before its first step
            await self._hang_up()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _greet(self) -> None:
        hello = {
            "version": VERSION, "ports": self._ports, "heartbeat": self._heartbeat, "bind_seconds": BIND_SECONDS
        }  # fmt: skip
        await self._transport.write(encode(Kind.HELLO, 0, json.dumps(hello).encode()))
        frame = await self._next_frame()
        if frame.kind is not Kind.HELLO:
            raise Breach(f"{frame.kind.name} before HELLO")
        try:
            answer = json.loads(frame.payload)
        except (ValueError, RecursionError):
            raise Breach("HELLO is not JSON") from None
        if not isinstance(answer, dict) or answer.get("version") != VERSION:
            raise Breach("the door speaks another version")
        if answer.get("ok") is not True:
            raise ConnectionError(f"the door cannot listen: {str(answer.get('error'))[:200]}")

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(group))
                group.create_task(self._outbox.run(self._transport.write))
                group.create_task(self._ping())
        except* Exception as failures:
            self.error = _first(failures)
        finally:
            await self._hang_up()

    async def _hang_up(self) -> None:
        self._transport.close()
        await self._transport.wait_closed()
        self.closed.set()

    async def _next_frame(self) -> Frame:
        while not self._arrived:
            data = await self._transport.read()
            if not data:
                raise ConnectionError("the door's stream has ended")
            self._arrived.extend(self._decoder.feed(data))
        return self._arrived.popleft()

    async def _ping(self) -> None:
        while self._unanswered < _UNANSWERED:
            self._outbox.post(encode(Kind.PING, 0, self._unanswered.to_bytes(8, "big")))
            self._unanswered += 1
            await asyncio.sleep(self._heartbeat / _PINGS_A_HEARTBEAT)
        raise ConnectionError("the door does not answer")

    async def _read(self, group: asyncio.TaskGroup) -> None:
        while True:
            frame = await self._next_frame()
            if frame.kind is Kind.OPEN:
                self._open(frame, group)
            elif frame.kind is Kind.PONG:
                self._unanswered = 0
            elif frame.kind in (Kind.HELLO, Kind.PING):
                raise Breach(f"{frame.kind.name} from the door")
            elif frame.stream > self._seen:
                raise Breach(f"{frame.kind.name} on a stream that was never opened")
            elif stream := self._streams.get(frame.stream):
                stream.take(frame)

    def _open(self, frame: Frame, group: asyncio.TaskGroup) -> None:
        if frame.stream <= self._seen:
            raise Breach("a stream's number was used twice")
        if frame.payload.decode("ascii", "replace") not in self._ports:
            raise Breach("there is no such service")
        self._seen = frame.stream
        # a request whose client has left is still in hand until it was dealt with
        if max(len(self._streams), len(self._serving)) >= MAX_STREAMS:
            self._outbox.post(encode(Kind.RST, frame.stream))
            return
        stream = self._streams[frame.stream] = _Stream(frame.stream, self._outbox)
        stream.task = group.create_task(stream.carry(self._serve))
        # not a `finally` in the task: one that is cancelled before its first step runs none
        stream.task.add_done_callback(lambda _: self._streams.pop(frame.stream))

    def _serve(self, sock: socket.socket) -> None:
        serving = asyncio.create_task(self._http.serve(sock))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)


class _Stream:
    """One connection: what the door sends goes to the app's socket, what the app answers goes back."""

    def __init__(self, number: int, outbox: Outbox) -> None:
        self.number = number
        self.task: asyncio.Task[None] | None = None
        self._outbox = outbox
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._untaken = 0
        self._ended = False
        self._credit = WINDOW
        self._may_send = asyncio.Event()
        self._may_send.set()

    def take(self, frame: Frame) -> None:
        """Take one frame of this stream; never waits. Raises Breach."""
        if frame.kind is Kind.RST:
            if self.task is not None and not self.task.cancelling():
                self.task.cancel()
        elif frame.kind is Kind.CREDIT:
            self._credit += int.from_bytes(frame.payload, "big")
            if self._credit > WINDOW:
                raise Breach("more credit than was ever used")
            self._may_send.set()
        else:
            if self._ended:
                raise Breach(f"{frame.kind.name} after EOF")
            self._ended = frame.kind is Kind.EOF
            self._untaken += len(frame.payload)
            if self._untaken > WINDOW:
                raise Breach("more data than the window allows")
            self._inbox.put_nowait(frame.payload)

    async def carry(self, serve: Callable[[socket.socket], None]) -> None:
        """Both directions to their ends; a connection that breaks is answered with RST."""
        try:
            ours, theirs = socket.socketpair()
        except OSError:  # too many open files: this stream is refused, the others go on
            self._outbox.post(encode(Kind.RST, self.number))
            return
        serve(theirs)
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._inwards(writer))
                group.create_task(self._outwards(reader))
        except* OSError:
            self._outbox.post(encode(Kind.RST, self.number))
        finally:
            writer.transport.abort()

    async def _inwards(self, writer: asyncio.StreamWriter) -> None:
        while data := await self._inbox.get():
            writer.write(data)
            await writer.drain()
            self._untaken -= len(data)
            self._outbox.post(encode_credit(self.number, len(data)))
        writer.write_eof()

    async def _outwards(self, reader: asyncio.StreamReader) -> None:
        while True:
            await self._may_send.wait()
            data = await reader.read(min(CHUNK, self._credit))
            if not data:
                break
            self._credit -= len(data)
            if not self._credit:
                self._may_send.clear()
            await self._outbox.send(encode(Kind.DATA, self.number, data))
        await self._outbox.send(encode(Kind.EOF, self.number))


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    """The failure that came first, out of groups in groups."""
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, ExceptionGroup) else failure
