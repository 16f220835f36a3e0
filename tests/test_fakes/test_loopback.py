from __future__ import annotations

import gzip
import http.client
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.fakes.loopback import Exchange, Gate, LoopbackServer, Request
from tests.support import wait_until


class Echo(LoopbackServer):
    """Answers with the body it got; `/boom` raises, `/wait` waits at the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()
        self.requests: list[Request] = []
        self.waits: list[bool] = []

    def serve(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request)
        if exchange.request.path == "/boom":
            raise LookupError("a bug")
        if exchange.request.path == "/wait":
            self.waits.append(exchange.wait(self.gate))
        exchange.send(200, exchange.request.body)


@pytest.fixture
def connection() -> Iterator[tuple[Echo, http.client.HTTPConnection]]:
    with Echo() as echo:
        client = http.client.HTTPConnection("127.0.0.1", int(echo.url.rpartition(":")[2]), timeout=60)
        yield echo, client
        client.close()


def test_one_connection_serves_many_requests(connection: tuple[Echo, http.client.HTTPConnection]) -> None:
    echo, client = connection
    answers = []
    for body in (b"one", b"", b"three"):
        client.request("POST", "/x?a=1&a=%20", body)
        answers.append(client.getresponse().read())
    assert answers == [b"one", b"", b"three"]
    assert echo.requests[0].query == [("a", "1"), ("a", " ")]


def test_a_chunked_body_arrives_whole_and_still_encoded(
    connection: tuple[Echo, http.client.HTTPConnection],
) -> None:
    _, client = connection
    packed = gzip.compress(b"x" * 100_000)
    client.request("PUT", "/", iter([packed[:7], packed[7:]]), {"Content-Encoding": "gzip"}, encode_chunked=True)
    assert client.getresponse().read() == packed


def test_a_client_that_expects_100_continue_gets_it(connection: tuple[Echo, http.client.HTTPConnection]) -> None:
    echo, _ = connection
    with socket.create_connection(("127.0.0.1", int(echo.url.rpartition(":")[2])), timeout=60) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        interim = raw.recv(100)
        raw.sendall(b"ok")
        assert interim.startswith(b"HTTP/1.1 100 ")
        assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_stop_ends_idle_and_waiting_connections_and_all_threads() -> None:
    before = set(threading.enumerate())
    echo = Echo().start()
    port = int(echo.url.rpartition(":")[2])
    idle = socket.create_connection(("127.0.0.1", port), timeout=60)
    waiting = socket.create_connection(("127.0.0.1", port), timeout=60)
    waiting.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    assert echo.gate.reached.wait(60)
    echo.stop()
    echo.stop()
    assert set(threading.enumerate()) <= before
    assert idle.recv(1) == b""
    idle.close()
    waiting.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=60)


def test_a_wait_ends_when_the_client_leaves(connection: tuple[Echo, http.client.HTTPConnection]) -> None:
    echo, client = connection
    client.request("GET", "/wait")
    assert echo.gate.reached.wait(60)
    client.close()
    wait_until(lambda: echo.waits)
    assert echo.waits == [False]


def test_a_released_gate_lets_the_request_through(connection: tuple[Echo, http.client.HTTPConnection]) -> None:
    echo, client = connection
    client.request("GET", "/wait", b"later")
    assert echo.gate.reached.wait(60)
    echo.gate.release()
    assert client.getresponse().read() == b"later"


def test_a_bug_in_a_fake_is_a_500_and_fails_the_test_that_used_it() -> None:
    echo = Echo().start()
    client = http.client.HTTPConnection("127.0.0.1", int(echo.url.rpartition(":")[2]), timeout=60)
    client.request("GET", "/boom")
    assert client.getresponse().status == 500
    client.close()
    with pytest.raises(AssertionError, match="LookupError: a bug"):
        echo.__exit__(None, None, None)


def test_the_url_is_not_known_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = Echo().url
