"""An engine that goes away or misbehaves: a proxy in front of its socket, request by request.

A request's operation is its method and path without version and ids: `POST containers/create`,
`POST containers/start`, `DELETE containers`, `GET containers/logs`, `POST exec/start`, … Each request gets a
connection to the engine of its own; what the engine upgrades to a stream of its own (attach, exec) passes unharmed.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.faults import Break, Chance, Drop, Fail, Faults, Hold, LoseAnswer
from tests.fakes.loopback import Gate

_ID = re.compile(r"[0-9a-f]{64}|pithy-[^/]+")
_VERSION = re.compile(r"v\d+\.\d+")
_HEAD_LIMIT = 1 << 16
_TICK = 0.02
NO = b'{"message": "the test says no"}'
_BLOCK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request to the engine."""

    operation: str
    object: str
    """The id or the name in the path, empty where there is none."""


Watch = Callable[[Asked], None]


class EngineProxy:
    """Carries connections on loopback (or, with `unix`, on a socket of its own) to the engine's unix socket.

    `watch` is told each request before anything is done. `cut` ends it.
    """

    def __init__(self, target: str, *, unix: bool = False, watch: Watch = lambda asked: None) -> None:
        self._target, self._watch = target, watch
        self._faults = Faults()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        # a socket's path is short: the test's own folder may be too deep
        self._folder = Path(tempfile.mkdtemp(prefix="pithy-engine-")) if unix else None
        self._listener, self.url = self._listen()
        self._acceptor = threading.Thread(target=self._accept, name="engine-proxy")
        self._acceptor.start()

    @classmethod
    def of_this_machine(cls, *, unix: bool = False, watch: Watch = lambda asked: None) -> EngineProxy:
        """In front of the engine that the tests use; skips where that is not behind a unix socket."""
        host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        if not host.startswith("unix://"):
            pytest.skip("the engine is not behind a unix socket")
        return cls(host.removeprefix("unix://"), unix=unix, watch=watch)

    def fail_next(self, operation: str, status: int = 500, times: int = 1, body: bytes = NO) -> None:
        """Answer the next requests of `operation` with `status` and `body`, and do nothing."""
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        self._faults.add(operation, Fail(status=status, body=body, headers=headers), times)

    def drop_next(self, operation: str, times: int = 1) -> None:
        """Cut the connection of the next requests before the engine sees them."""
        self._faults.add(operation, Drop(), times)

    def lose_answer(self, operation: str, times: int = 1) -> None:
        """Let the engine do what is asked, and cut the connection instead of answering."""
        self._faults.add(operation, LoseAnswer(), times)

    def break_after(self, operation: str, size: int, times: int = 1) -> None:
        """Cut the connection after `size` bytes of the engine's answer, its head included."""
        self._faults.add(operation, Break(after=size), times)

    def hold(self, operation: str) -> Gate:
        """Stall the next request, before the engine sees it, until the returned gate is released."""
        gate = Gate()
        self._faults.add(operation, Hold(gate=gate))
        return gate

    def leave_to_chance(self, chance: Chance) -> None:
        """Ask `chance` about each request that no other fault waits for."""
        self._faults.otherwise = chance

    def break_all(self) -> None:
        """Break every connection there is; new ones are taken as before: an engine that was restarted."""
        with self._lock:
            broken = list(self._open)
        for sock in broken:
            _shut(sock)

    def cut(self) -> None:
        """Break every connection and take no new one. Idempotent."""
        self._stopping.set()
        _shut(self._listener)
        self._acceptor.join()
        self.break_all()
        for thread in self._threads:
            thread.join()
        self._listener.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _listen(self) -> tuple[socket.socket, str]:
        if self._folder is None:
            listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            return listener, f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        path = str(self._folder / "engine.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(128)
        return listener, f"unix://{path}"

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(near,), name="engine-proxy")
            self._threads = [*(known for known in self._threads if known.is_alive()), thread]
            thread.start()

    def _serve(self, near: socket.socket) -> None:
        """One request, and what comes of it."""
        far = socket.socket(socket.AF_UNIX)
        with near, far:
            with self._lock:
                self._open |= {near, far}
            try:
                if not self._stopping.is_set():
                    self._exchange(near, far)
            except OSError:
                pass  # cut: by either side, or by the test
            finally:
                with self._lock:
                    self._open -= {near, far}

    def _exchange(self, near: socket.socket, far: socket.socket) -> None:
        head, rest = _read_head(near)
        if not head:
            return
        asked = _asked(head)
        self._watch(asked)
        fault = self._faults.take(asked.operation)
        if isinstance(fault, Hold):
            while not fault.gate.wait(_TICK) and not self._stopping.is_set():
                pass
        if isinstance(fault, Drop):
            return
        if isinstance(fault, Fail):
            near.sendall(_answer(fault))
            return
        far.connect(self._target)
        far.sendall(_alone(head) + rest)
        most = fault.after if isinstance(fault, Break) else None
        sending = threading.Thread(target=_carry, args=(near, far), name="engine-proxy-in")
        sending.start()
        try:
            _carry(far, near, most=0 if isinstance(fault, LoseAnswer) else most, drain=isinstance(fault, LoseAnswer))
        finally:
            _shut(near)
            _shut(far)
            sending.join()


def _read_head(sock: socket.socket) -> tuple[bytes, bytes]:
    """A request's head with the empty line after it, and what came behind; empty where the client left."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = sock.recv(_BLOCK)
        if not block or len(data) > _HEAD_LIMIT:
            return b"", b""
        data += block
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _asked(head: bytes) -> Asked:
    method, address, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    parts = [part for part in address.partition("?")[0].split("/") if part and not _VERSION.fullmatch(part)]
    ids = [part for part in parts if _ID.fullmatch(part)]
    return Asked(
        operation=f"{method} {'/'.join(part for part in parts if part not in ids)}", object=ids[0] if ids else ""
    )


def _alone(head: bytes) -> bytes:
    """The head with a connection of its own asked for, unless it asks for an upgrade: its end is the answer's end."""
    lines = head.split(b"\r\n")
    if any(line.lower().startswith(b"upgrade:") for line in lines):
        return head
    kept = [line for line in lines[1:] if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([lines[0], b"Connection: close", *kept])


def _answer(fault: Fail) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in fault.headers.items())
    return f"HTTP/1.1 {fault.status} Test\r\nConnection: close\r\n{headers}\r\n".encode() + fault.body


def _carry(source: socket.socket, target: socket.socket, *, most: int | None = None, drain: bool = False) -> None:
    """Pass on until the source ends, at most `most` bytes; `drain`: what is beyond is read to its end all the same."""
    left = most
    try:
        while data := source.recv(_BLOCK):
            if left is not None:
                data, left = data[:left], left - len(data)
                if left <= 0 and not drain:
                    target.sendall(data)
                    return
            if data:
                target.sendall(data)
        if not drain:
            target.shutdown(socket.SHUT_WR)
    except OSError:
        _shut(source)  # one side has gone: the other is of no use
        _shut(target)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was faster
