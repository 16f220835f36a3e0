"""The relay with the real door as a plain process, and with processes that are no good door."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send

from pithy_local.door.frames import MAX_STREAMS, Breach, Kind, encode, encode_credit
from pithy_local.door.loop import EventLoop
from pithy_local.door.relay import Relay
from pithy_local.door.transport import CliTransport
from pithy_local.errors import ErrorCode, PithyError
from tests.door.harness import DOOR, Recorded, ask, ask_streaming, make_gateway, sdk
from tests.door.raw_door import false_door
from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import free_port, wait_until

MB = 1024 * 1024
HEAD = b"Host: x\r\nContent-Length: %d\r\n\r\n"


class App:
    """POST: answers with the body it got. GET /N: N bytes. GET /wait: nothing until `open`. Notes who left.

    POST /stall: reads nothing until `open`.
    """

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.left = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        if scope["path"] == "/stall":
            await self.open.wait()
        elif scope["path"] == "/wait":
            await self._wait(receive)
        elif scope["method"] == "GET":
            for _ in range(int(scope["path"][1:]) // 65536):
                await send({"type": "http.response.body", "body": b"d" * 65536, "more_body": True})
        else:
            more = True
            while more:
                message = await receive()
                more = message["more_body"]
                await send({"type": "http.response.body", "body": message["body"], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait(self, receive: Receive) -> None:
        await receive()
        opened, left = asyncio.ensure_future(self.open.wait()), asyncio.ensure_future(receive())
        await asyncio.wait({opened, left}, return_when=asyncio.FIRST_COMPLETED)
        self.left += left.done()
        opened.cancel()
        left.cancel()


@asynccontextmanager
async def opened(app: App) -> AsyncIterator[tuple[Relay, int]]:
    """A relay with the real door; yields it and the port it listens on."""
    port = free_port()
    relay = Relay(await CliTransport.start(DOOR), app, ports={"gateway": port})
    await relay.start()
    try:
        yield relay, port
    finally:
        await relay.aclose()


async def fetch(port: int, head: bytes, body: bytes = b"") -> bytes:
    """One request; the whole answer, or b"" when the connection was refused or reset."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    try:
        sending = asyncio.ensure_future(send_all(writer, head + HEAD % len(body) + body))
        answer = await reader.read(-1)
        await sending
        return answer
    except OSError:
        return b""
    finally:
        writer.transport.abort()


async def send_all(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def test_a_request_goes_through_and_back() -> None:
    async with opened(App()) as (_, port):
        assert b"hello" in await fetch(port, b"POST / HTTP/1.1\r\n", b"hello")


async def test_after_closing_nothing_listens_and_there_is_no_error() -> None:
    async with opened(App()) as (relay, port):
        pass
    assert relay.closed.is_set()
    assert relay.error is None
    assert await fetch(port, b"GET /0 HTTP/1.1\r\n") == b""


async def test_closing_twice_or_unstarted_is_fine() -> None:
    relay = Relay(await CliTransport.start(DOOR), App())
    await relay.aclose()
    await relay.aclose()
    assert relay.closed.is_set()


async def test_twenty_streams_at_once_carry_their_own_bytes() -> None:
    async def one(port: int, number: int) -> bool:
        body = bytes([number]) * (300_000 + number)
        answer = await fetch(port, b"POST / HTTP/1.1\r\n", body)
        return answer.count(bytes([number])) >= len(body)

    async with opened(App()) as (_, port):
        assert all(await asyncio.gather(*(one(port, 128 + number) for number in range(20))))


async def test_ten_megabytes_both_ways_beside_a_reader_that_stalls() -> None:
    async with opened(App()) as (_, port):
        _, stalled = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        stalled.write(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % (10 * MB))
        answer = await asyncio.wait_for(fetch(port, b"POST / HTTP/1.1\r\n", b"u" * 10 * MB), 60)
        stalled.transport.abort()
    assert answer.count(b"u") >= 10 * MB


async def test_of_three_hundred_connections_the_cap_is_served_and_the_rest_refused() -> None:
    app = App()
    async with opened(app) as (_, port):
        waiting = [asyncio.ensure_future(fetch(port, b"GET /wait HTTP/1.1\r\n")) for _ in range(300)]
        await until(lambda: sum(task.done() for task in waiting) >= 300 - MAX_STREAMS)
        app.open.set()
        answers = await asyncio.gather(*waiting)
        assert sum(answer.startswith(b"HTTP/1.1 200") for answer in answers) == MAX_STREAMS
        async with asyncio.timeout(60):  # a place is free again when the end of its stream has gone round
            while b"again" not in await fetch(port, b"POST / HTTP/1.1\r\n", b"again"):
                pass


async def test_the_app_sees_a_client_leave() -> None:
    app = App()
    async with opened(app) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await until(lambda: app.left == 1)


async def test_closing_ends_requests_that_still_run() -> None:
    app = App()
    async with opened(app) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
    assert app.left == 1
    writer.transport.abort()


async def test_a_door_that_dies_closes_the_relay_with_a_reason() -> None:
    app, port = App(), free_port()
    transport = await CliTransport.start(DOOR)
    relay = Relay(transport, app, ports={"gateway": port})
    await relay.start()
    waiting = asyncio.ensure_future(fetch(port, b"GET /wait HTTP/1.1\r\n"))
    os.kill(transport.pid, signal.SIGKILL)
    await asyncio.wait_for(relay.closed.wait(), 60)
    assert isinstance(relay.error, OSError)
    await waiting
    await relay.aclose()


async def test_a_new_door_takes_over_from_one_whose_host_has_gone() -> None:
    port = free_port()
    first = Relay(await CliTransport.start(DOOR), App(), ports={"gateway": port})
    await first.start()
    second = Relay(await CliTransport.start(DOOR), App(), ports={"gateway": port})
    starting = asyncio.ensure_future(second.start())
    await first.aclose()
    await starting
    assert b"hello" in await fetch(port, b"POST / HTTP/1.1\r\n", b"hello")
    await second.aclose()


async def test_a_silent_door_is_given_up() -> None:
    relay = Relay(await CliTransport.start(false_door("b''")), App(), heartbeat=0.05)
    await relay.start()
    await asyncio.wait_for(relay.closed.wait(), 60)
    assert str(relay.error) == "the door does not answer"


OPEN = encode(Kind.OPEN, 1, b"gateway")


def hello(**fields: object) -> bytes:
    return encode(Kind.HELLO, 0, json.dumps(fields).encode())


@pytest.mark.parametrize(
    "said",
    [
        b"\xff" * 100,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        encode(Kind.HELLO, 0, b"{}"),
        encode(Kind.PING, 0, b"12345678"),
        encode(Kind.OPEN, 1, b"docker"),
        encode(Kind.OPEN, 1, b"\xff"),
        encode(Kind.DATA, 1, b"never opened"),
        OPEN + OPEN,
        encode(Kind.OPEN, 2, b"gateway") + OPEN,
        OPEN + encode_credit(1, 1),
        OPEN + encode(Kind.EOF, 1) + encode(Kind.DATA, 1, b"x"),
        OPEN + encode(Kind.EOF, 1) + encode(Kind.EOF, 1),
        ],
    ids=[
        "garbage", "http", "hello", "ping", "service", "bytes", "data", "twice", "backwards", "credit", "late",
        "two ends",
    ],
)  # fmt: skip
async def test_a_door_that_breaks_the_protocol_is_closed(said: bytes) -> None:
    relay = Relay(await CliTransport.start(false_door(repr(said))), App())
    await relay.start()
    await asyncio.wait_for(relay.closed.wait(), 60)
    assert isinstance(relay.error, Breach)


async def test_a_door_that_sends_beyond_the_window_is_closed() -> None:
    request = encode(Kind.DATA, 1, b"POST /stall HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
    flood = f"{OPEN + request!r} + {encode(Kind.DATA, 1, b'x' * 1000)!r} * 10_000"
    app = App()
    relay = Relay(await CliTransport.start(false_door(flood)), app)
    await relay.start()
    await asyncio.wait_for(relay.closed.wait(), 60)
    app.open.set()
    await relay.aclose()
    assert str(relay.error) == "more data than the window allows"


async def test_a_door_that_makes_us_answer_and_does_not_read_is_closed() -> None:
    flood = """b"".join(struct.pack(">BII", 1, number, 7) + b"gateway" for number in range(1, 40_000))"""
    relay = Relay(await CliTransport.start(false_door(flood, reads=False)), App())
    await relay.start()
    await asyncio.wait_for(relay.closed.wait(), 60)
    assert str(relay.error) == "the door does not read"


@pytest.mark.parametrize(
    "command",
    [
        false_door(repr(b"OCI runtime exec failed: python3 not found"), greets=False),
        false_door(repr(encode(Kind.OPEN, 1, b"gateway")), greets=False),
        false_door(repr(encode(Kind.HELLO, 0, b"not json")), greets=False),
        false_door(repr(hello(version=99, ok=True)), greets=False),
        false_door(repr(hello(version=1, ok=False)), greets=False),
        false_door("b''", greets=False),
        ["sh", "-c", "echo python3: not found >&2; exit 127"],
    ],
    ids=["text", "frame", "no json", "version", "refused", "silent", "ends"],
)
async def test_what_does_not_greet_is_no_door(command: list[str]) -> None:
    relay = Relay(await CliTransport.start(command), App())
    with pytest.raises(PithyError) as failed:
        await relay.start(timeout=2)
    assert failed.value.code is ErrorCode.CONTAINER_LOST
    assert relay.closed.is_set()


async def test_the_reason_names_what_the_process_said() -> None:
    transport = await CliTransport.start(["sh", "-c", "echo no python3 >&2; cat >&2"])
    relay = Relay(transport, App())
    await until(lambda: "python3" in transport.diagnostics)
    with pytest.raises(PithyError) as failed:
        await relay.start(timeout=0.3)
    assert "no python3" in failed.value.detail["stderr"]


def test_the_sdk_calls_the_model_through_the_door(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push("first", Reply(text="second " * 5000, prompt_tokens=5, completion_tokens=6))
    port = free_port()
    gateway = make_gateway(model.base_url, recorded, token=None)
    relay = Relay(loop.call(CliTransport.start(DOOR)), gateway.app, ports={"gateway": port})
    loop.call(relay.start())
    with sdk(f"http://127.0.0.1:{port}", key="sandbox") as client:
        assert ask(client) == "first"
        assert ask_streaming(client) == "second " * 5000
    loop.call(relay.aclose(), 60)
    loop.call(gateway.aclose(), 60)
    assert [(call.input_tokens, call.output_tokens) for call in recorded.calls] == [(10, 5), (5, 6)]


def test_closing_the_door_settles_running_calls(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="word " * 100, stall_after=3, gate=Gate()))
    port = free_port()
    gateway = make_gateway(model.base_url, recorded, token=None)
    relay = Relay(loop.call(CliTransport.start(DOOR)), gateway.app, ports={"gateway": port})
    loop.call(relay.start())
    with sdk(f"http://127.0.0.1:{port}", key="sandbox") as client:
        stream = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        next(stream)
        loop.call(relay.aclose(), 60)
        assert [call.status for call in recorded.calls] == [499]
        stream.close()
    loop.call(gateway.aclose(), 60)
    wait_until(lambda: model.aborted == 1)


async def until(predicate: Callable[[], bool]) -> None:
    """`wait_until` for a test that is on the loop itself."""
    async with asyncio.timeout(60):
        while not predicate():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)
