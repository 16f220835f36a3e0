"""The proxy in front of an engine's socket: each way it misbehaves, and that it harms nothing otherwise."""

from __future__ import annotations

import http.client
import socket
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.engine_proxy import Asked, EngineProxy

CONTAINER = "c" * 64
CREATE, START = "POST containers/create", "POST containers/start"


class _Engine(BaseHTTPRequestHandler):
    """Answers with the path; echoes what comes after an upgrade."""

    protocol_version = "HTTP/1.1"
    done: list[str]

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        self.done.append(self.path)
        if self.headers.get("Upgrade"):
            self.wfile.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            while data := self.connection.recv(100):
                self.connection.sendall(data.upper())
            self.close_connection = True
            return
        answer = self.path.encode() + b" " + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", self.headers.get("Connection", "keep-alive"))  # as Go's server says it
        self.end_headers()
        self.wfile.write(answer)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *args: object) -> None:
        """Quiet."""


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = False


@pytest.fixture
def done() -> list[str]:
    """What the engine was asked for and has done."""
    return []


@pytest.fixture
def asked() -> list[Asked]:
    """What the proxy told its watcher."""
    return []


@pytest.fixture
def proxy(tmp_path: Path, done: list[str], asked: list[Asked]) -> Iterator[EngineProxy]:
    handler = type("Handler", (_Engine,), {"done": done})
    with _Server(str(tmp_path / "e.sock"), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        carrying = EngineProxy(str(tmp_path / "e.sock"), watch=asked.append)
        try:
            yield carrying
        finally:
            carrying.cut()
            server.shutdown()
            thread.join()


def _post(proxy: EngineProxy, path: str, body: bytes = b"") -> tuple[int, bytes]:
    parts = urlsplit(proxy.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_request_goes_through_and_is_named_without_version_and_ids(proxy: EngineProxy, asked: list[Asked]) -> None:
    assert _post(proxy, f"/v1.41/containers/{CONTAINER}/start?t=1", b"x" * 200_000)[0] == 200
    assert asked == [Asked(operation=START, object=CONTAINER)]


def test_several_requests_of_one_client_each_get_an_answer(proxy: EngineProxy, done: list[str]) -> None:
    parts = urlsplit(proxy.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    for path in ("/one", "/two"):
        connection.request("POST", path)
        assert connection.getresponse().read() == f"{path} ".encode()
    connection.close()
    assert done == ["/one", "/two"]


def test_a_failure_reaches_the_client_and_not_the_engine(proxy: EngineProxy, done: list[str]) -> None:
    proxy.fail_next(CREATE, 500)
    assert _post(proxy, "/v1.41/containers/create")[0] == 500
    assert done == []


def test_a_dropped_request_never_reaches_the_engine(proxy: EngineProxy, done: list[str]) -> None:
    proxy.drop_next(CREATE)
    with pytest.raises((http.client.HTTPException, OSError)):
        _post(proxy, "/v1.41/containers/create")
    assert done == []


def test_a_lost_answer_is_of_something_done(proxy: EngineProxy, done: list[str]) -> None:
    proxy.lose_answer(CREATE)
    with pytest.raises((http.client.HTTPException, OSError)):
        _post(proxy, "/v1.41/containers/create")
    assert done == ["/v1.41/containers/create"]


def test_an_answer_is_broken_in_the_middle(proxy: EngineProxy) -> None:
    proxy.break_after(CREATE, 150)
    with pytest.raises(http.client.IncompleteRead):
        _post(proxy, "/v1.41/containers/create", b"x" * 5000)


def test_a_stalled_request_goes_on_when_it_is_let_go(proxy: EngineProxy, done: list[str]) -> None:
    gate = proxy.hold(CREATE)
    waiting = threading.Thread(target=_post, args=(proxy, "/v1.41/containers/create"))
    waiting.start()
    assert gate.reached.wait(60)
    assert done == []
    gate.release()
    waiting.join(60)
    assert done == ["/v1.41/containers/create"]


def _upgraded(proxy: EngineProxy) -> socket.socket:
    parts = urlsplit(proxy.url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60)
    sock.sendall(b"POST /v1.41/exec/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    assert head.startswith(b"HTTP/1.1 101")
    return sock


def test_an_upgraded_stream_goes_both_ways_and_ends_by_halves(proxy: EngineProxy) -> None:
    with _upgraded(proxy) as sock:
        sock.sendall(b"hello")
        assert sock.recv(5) == b"HELLO"
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(5) == b""


def test_an_engine_that_restarts_breaks_what_is_open_and_takes_what_comes(proxy: EngineProxy) -> None:
    with _upgraded(proxy) as sock:
        proxy.break_all()
        assert sock.recv(5) == b""
    assert _post(proxy, "/again")[0] == 200
