"""The common half of all fakes: a threaded HTTP/1.1 server on 127.0.0.1 that leaves no thread or socket behind."""

from __future__ import annotations

import json
import select
import socket
import socketserver
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

NO_BODY = (204, 304)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came over the wire, its body complete and un-chunked (a content encoding stays)."""

    method: str
    path: str
    """Path as sent: still percent-encoded, without the query."""
    query_string: str
    headers: Mapping[str, str]
    """Names in lower case; repeated headers joined by a comma."""
    body: bytes

    @property
    def query(self) -> list[tuple[str, str]]:
        """Decoded query parameters in the order sent."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    def json(self) -> Any:
        """The body as JSON; ValueError where it is none."""
        return json.loads(self.body)


class Gate:
    """A closed gate that a fake waits at until the test opens it (or the fake is stopped)."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        """Set when a request has arrived at the gate."""
        self._open = threading.Event()

    def release(self) -> None:
        """Let everyone through, now and later."""
        self._open.set()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; True when the gate is open."""
        self.reached.set()
        return self._open.wait(seconds)


class Exchange:
    """One request and the way to answer it: `send` at once, or `begin`, `write`, `end` in chunks, or `cut`."""

    def __init__(self, handler: _Handler, request: Request, stopping: threading.Event) -> None:
        self.request = request
        self.status: int | None = None
        """Status sent, None as long as none was."""
        self._handler = handler
        self._stopping = stopping

    def send(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer with its Content-Length."""
        length = {} if status in NO_BODY else {"Content-Length": str(len(body))}
        self._head(status, {**(headers or {}), **length})
        if self.request.method != "HEAD" and status not in NO_BODY:
            self._handler.wfile.write(body)

    def send_part(self, status: int, body: bytes, keep: int, headers: Mapping[str, str]) -> None:
        """Announce the whole `body`, send its first `keep` bytes and cut the connection."""
        self._head(status, {**headers, "Content-Length": str(len(body))})
        self._handler.wfile.write(body[:keep])
        self.cut()

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head of an answer whose body follows in chunks."""
        self._head(status, {**headers, "Transfer-Encoding": "chunked"})

    def write(self, data: bytes) -> None:
        """Send one chunk; ConnectionError when the client has gone."""
        if data:
            self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        """Send the last chunk."""
        self._handler.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close the connection without (the rest of) an answer."""
        self._handler.close_connection = True

    def client_gone(self) -> bool:
        """Whether the client has closed its side."""
        connection = self._handler.connection
        try:
            readable = select.select([connection], [], [], 0)[0]
            return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def wait(self, gate: Gate | None, seconds: float = 0.0, *, watch_client: bool = True) -> bool:
        """Wait at `gate`, or `seconds` where there is none. Ends early, with False, when the fake is stopped,
        and with `watch_client` also when the client goes away."""
        left = float("inf") if gate else seconds
        while left > 0 and not self._stopping.is_set():
            step = min(0.02, left)
            if gate.wait(step) if gate else self._stopping.wait(step):
                break
            if watch_client and self.client_gone():
                return False
            left -= step
        return not self._stopping.is_set()

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()


class LoopbackServer:
    """Base of the fakes: `with Fake() as fake:` or `start()` / `stop()`; subclasses write `serve`.

    `stop` closes the connections that are still open and joins every thread. Leaving the `with` block
    normally raises AssertionError when the fake itself failed (`errors`).
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        """Tracebacks of exceptions that `serve` raised: faults of the fake, not of what is tested."""
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._port: int | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, also after the fake was stopped; RuntimeError before it was started."""
        if self._port is None:
            raise RuntimeError("the fake has not been started")
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> Self:
        """Listen on a free port; one that was stopped listens where it did before. Returns the fake itself."""
        self.stopping.clear()
        self._server = _Server(self, self._port or 0)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name=type(self).__name__
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, cut what is open, end every thread. A second call does nothing."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        self.stopping.set()
        server.shutdown()
        server.cut_connections()
        server.server_close()
        self._thread.join()

    def serve(self, exchange: Exchange) -> None:
        """Answer one request; called in a thread of the connection's own."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None and self.errors:
            raise AssertionError(f"{type(self).__name__} failed:\n" + "\n".join(self.errors))


class _Server(socketserver.ThreadingTCPServer):
    """Knows its open connections, so that they can be ended; joins its threads on close."""

    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = False

    def __init__(self, fake: LoopbackServer, port: int) -> None:
        self.fake = fake
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.fake.errors.append(traceback.format_exc())

    def cut_connections(self) -> None:
        """Wake every thread that still reads or writes; call after `shutdown`."""
        with self._connections_lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the client was faster


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # a client may leave whenever it likes

    def finish(self) -> None:
        try:
            super().finish()
        except ConnectionError:
            pass

    def log_message(self, *args: Any) -> None:
        """Tests read the recorded calls, not a log."""

    def _exchange(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query_string=parts.query,
            headers={name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers},
            body=self._read_body(),
        )
        exchange = Exchange(self, request, self.server.fake.stopping)
        try:
            self.server.fake.serve(exchange)
        except ConnectionError:
            raise
        except Exception:
            # Kept before anything is sent: a client that has the answer may stop the fake at once.
            self.server.fake.errors.append(traceback.format_exc())
            exchange.cut()
            if exchange.status is None:
                exchange.send(500, b"the fake failed")

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        return self._read_exactly(int(self.headers.get("Content-Length") or 0))

    def _read_chunks(self) -> bytes:
        parts = []
        while size := self._chunk_size():
            parts.append(self._read_exactly(size))
            self.rfile.readline(1000)
        while self.rfile.readline(65536).strip():
            pass  # trailers
        return b"".join(parts)

    def _chunk_size(self) -> int:
        line = self.rfile.readline(1000)
        if not line:
            raise ConnectionAbortedError("the client left between two chunks")
        return int(line.split(b";")[0], 16)

    def _read_exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError("the client left in the middle of its body")
        return data


for _verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_verb}", _Handler._exchange)
