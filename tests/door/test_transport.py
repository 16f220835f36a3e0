"""The byte streams to the door: an engine's plain socket, and a command's pipes."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from pithy_local.door.frames import Breach
from pithy_local.door.loop import EventLoop
from pithy_local.door.relay import Relay
from pithy_local.door.transport import CliTransport, SocketTransport, Transport
from tests.door.false_engine import FalseEngine
from tests.door.harness import DOOR, Recorded, ask, ask_streaming, make_gateway, sdk
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import free_port, wait_until

ECHO = [
    sys.executable, "-I", "-S", "-c",
    "import sys\nsys.stderr.write('on stderr')\nsys.stderr.flush()\n"
    "while data := sys.stdin.buffer.raw.read(65536): sys.stdout.buffer.raw.write(data)",
]  # fmt: skip


@pytest.fixture(params=["as docker-py wraps it", "plain"])
def pair(request: pytest.FixtureRequest) -> tuple[object, socket.socket]:
    """The client's end as docker-py hands it out, and the engine's end."""
    ours, theirs = socket.socketpair()
    return (ours if request.param == "plain" else socket.SocketIO(ours, "rw")), theirs


async def echo(transport: Transport, data: bytes) -> bytes:
    """Write and read at once, as the relay does; what came back."""
    writing = asyncio.ensure_future(transport.write(data))
    seen = b""
    while len(seen) < len(data):
        seen += await transport.read()
    await writing
    return seen


async def close(transport: Transport) -> None:
    transport.close()
    transport.close()
    await transport.wait_closed()


def test_bytes_go_through_an_engines_socket_and_back(loop: EventLoop, pair: tuple[object, socket.socket]) -> None:
    client, server = pair
    engine = FalseEngine(server, ECHO)
    transport = SocketTransport(client)
    data = bytes(range(256)) * 20_000
    assert loop.call(echo(transport, data), 60) == data
    assert wait_until(lambda: transport.diagnostics) == "on stderr"
    loop.call(close(transport))
    assert engine.ended.wait(60)


def test_the_door_works_over_an_engines_socket(
    loop: EventLoop, pair: tuple[object, socket.socket], model: FakeModel, recorded: Recorded
) -> None:
    client, server = pair
    model.push("first", Reply(text="word " * 20_000))
    engine, port = FalseEngine(server, DOOR), free_port()
    gateway = make_gateway(model.base_url, recorded, token=None)
    relay = Relay(SocketTransport(client), gateway.app, ports={"gateway": port})
    loop.call(relay.start())
    with sdk(f"http://127.0.0.1:{port}", key="sandbox") as openai:
        assert ask(openai) == "first"
        assert ask_streaming(openai) == "word " * 20_000
    loop.call(relay.aclose(), 60)
    loop.call(gateway.aclose(), 60)
    assert engine.ended.wait(60), "the door outlived its host"


def test_the_end_of_the_stream_is_told(loop: EventLoop, pair: tuple[object, socket.socket]) -> None:
    client, server = pair
    transport = SocketTransport(client)
    server.close()
    assert loop.call(transport.read(), 60) == b""
    loop.call(close(transport))


def test_what_is_not_dockers_format_is_a_breach(loop: EventLoop) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        transport = SocketTransport(ours)
        theirs.sendall(b"HTTP/1.1 500 Internal Server Error\r\n\r\n")
        with pytest.raises(Breach):
            loop.call(transport.read(), 60)
        loop.call(close(transport))


def test_a_channel_that_is_no_socket_is_refused() -> None:
    with pytest.raises(TypeError):
        SocketTransport(object())


def test_an_unused_socket_is_closed_too(loop: EventLoop) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        loop.call(close(SocketTransport(socket.SocketIO(ours, "rw"))))
        assert theirs.recv(1) == b""


def test_a_commands_pipes_carry_bytes(loop: EventLoop) -> None:
    transport = loop.call(CliTransport.start(ECHO))
    data = bytes(range(256)) * 20_000
    assert loop.call(echo(transport, data), 60) == data
    assert wait_until(lambda: transport.diagnostics) == "on stderr"
    loop.call(close(transport), 60)


def test_closing_a_command_that_talks_without_end_ends_it(loop: EventLoop) -> None:
    transport = loop.call(CliTransport.start([sys.executable, "-c", "while True: print('x' * 10000)"]))
    loop.call(transport.read())
    loop.call(close(transport), 60)


def test_a_command_that_is_not_there_is_an_os_error(loop: EventLoop) -> None:
    with pytest.raises(OSError):
        loop.call(CliTransport.start(["no-such-command-here"]))
