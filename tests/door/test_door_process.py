"""runner/door.py alone: how it starts, and above all when it leaves."""

from __future__ import annotations

import json
import socket
import time

import pytest

from pithy_local.door.frames import MAX_STREAMS, WINDOW, Frame, Kind, encode, encode_credit
from tests.door.raw_door import RawDoor
from tests.support import free_port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def test_it_greets_after_the_host_did_and_listens() -> None:
    port = free_port()
    with RawDoor(port) as door:
        assert door.greet() == {"version": 1, "ok": True, "error": None}
        connect(port).close()
        assert door.read() == Frame(Kind.OPEN, 1, b"gateway")


def test_a_connection_becomes_frames_and_back() -> None:
    port = free_port()
    with RawDoor(port) as door:
        door.greet()
        with connect(port) as client:
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            seen = [door.read() for _ in range(3)]
            assert seen == [Frame(Kind.OPEN, 1, b"gateway"), Frame(Kind.DATA, 1, b"question"), Frame(Kind.EOF, 1, b"")]
            door.write(encode(Kind.DATA, 1, b"answer") + encode(Kind.EOF, 1))
            assert client.recv(100) == b"answer"
            assert client.recv(100) == b""
        assert door.read() == Frame(Kind.CREDIT, 1, (6).to_bytes(4, "big"))


def test_it_sends_no_more_than_the_window_until_credited() -> None:
    port = free_port()
    with RawDoor(port) as door:
        door.greet()
        with connect(port) as client:
            client.settimeout(None)
            client.setblocking(False)
            assert door.read().kind is Kind.OPEN
            received = 0
            while received < WINDOW:
                try:
                    client.send(b"x" * 65536)
                except BlockingIOError:
                    pass
                received += len(door.read().payload)
            assert received == WINDOW
            client.setblocking(True)
            client.sendall(b"y")
            door.write(encode(Kind.PING, 0, b"12345678"))
            assert door.read() == Frame(Kind.PONG, 0, b"12345678")
            door.write(encode_credit(1, 1))
            assert len(door.read().payload) == 1


def test_a_reset_ends_the_connection() -> None:
    port = free_port()
    with RawDoor(port) as door:
        door.greet()
        with connect(port) as client:
            door.read()
            door.write(encode(Kind.RST, 1))
            assert client.recv(1) == b""


def test_beyond_the_cap_connections_are_refused() -> None:
    port = free_port()
    with RawDoor(port) as door:
        door.greet()
        clients = [connect(port) for _ in range(MAX_STREAMS)]
        opened = {door.read().stream for _ in clients}
        with connect(port) as one_more:
            assert one_more.recv(1) == b""
        for client in clients:
            client.close()
    assert opened == set(range(1, MAX_STREAMS + 1))


def test_it_leaves_when_the_host_hangs_up() -> None:
    with RawDoor(free_port()) as door:
        door.greet()
        door.hang_up()
        assert door.exit_code() == 0


def test_it_leaves_when_no_ping_comes() -> None:
    with RawDoor(free_port(), heartbeat=0.3) as door:
        door.greet()
        assert door.exit_code() == 3


def test_pings_keep_it() -> None:
    """For longer than it bears silence; where the machine kept us from pinging, it may leave, and we begin anew."""
    for _ in range(50):
        stayed, longest = pinged(heartbeat=0.3, seconds=0.4)
        if stayed:
            return
        assert longest > 0.15, "it left although it was pinged"
    raise AssertionError("it never stayed")


def pinged(*, heartbeat: float, seconds: float) -> tuple[bool, float]:
    """Whether the door was still there after so many seconds of pings, and the longest pause between two."""
    with RawDoor(free_port(), heartbeat=heartbeat) as door:
        door.greet()
        begun = last = time.monotonic()
        longest, number = 0.0, 0
        try:
            while last < begun + seconds:
                number += 1
                door.write(encode(Kind.PING, 0, number.to_bytes(8, "big")))
                assert door.read() == Frame(Kind.PONG, 0, number.to_bytes(8, "big"))
                last, before = time.monotonic(), last
                longest = max(longest, last - before)
                time.sleep(heartbeat / 15)
        except (EOFError, BrokenPipeError):
            return False, max(longest, time.monotonic() - last)
        return door.process.poll() is None, longest


def test_it_waits_for_a_port_that_an_orphan_still_holds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as orphan, RawDoor(orphan.getsockname()[1]) as door:
        door.write(encode(Kind.HELLO, 0, json.dumps(door.hello).encode()))
        orphan.close()
        assert json.loads(door.read().payload)["ok"] is True


def test_it_says_so_when_it_cannot_listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, RawDoor(other.getsockname()[1], bind_seconds=0) as door:
        answer = door.greet()
        assert answer["ok"] is False
        assert "address already in use" in answer["error"]
        assert door.exit_code() == 1


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", encode(Kind.EOF, 1), encode(Kind.HELLO, 0, b"nonsense")])
def test_a_wrong_greeting_ends_it(data: bytes) -> None:
    with RawDoor(free_port()) as door:
        door.write(data)
        assert door.exit_code() == 2


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 9,
        encode(Kind.HELLO, 0, b"{}"),
        encode(Kind.OPEN, 1, b"gateway"),
        encode(Kind.CREDIT, 1, b"1"),
        encode(Kind.DATA, 0, b"x"),
    ],
)
def test_a_frame_that_breaks_a_rule_ends_it(data: bytes) -> None:
    with RawDoor(free_port()) as door:
        door.greet()
        door.write(data)
        assert door.exit_code() == 2
