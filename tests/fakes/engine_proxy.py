"""An engine that goes away: a loopback proxy in front of its socket, which a test can cut."""

from __future__ import annotations

import os
import socket
import threading

import pytest


class EngineProxy:
    """Carries TCP connections on loopback to the engine's unix socket, until it is cut."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    @classmethod
    def of_this_machine(cls) -> EngineProxy:
        """In front of the engine that the tests use; skips where that is not behind a unix socket."""
        host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        if not host.startswith("unix://"):
            pytest.skip("the engine is not behind a unix socket")
        return cls(host.removeprefix("unix://"))

    def cut(self) -> None:
        """Break every connection and take no new one."""
        for sock in [self._listener, *self._open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was faster
        for thread in self._threads:
            thread.join()
        for sock in [self._listener, *self._open]:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=(source, target))
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # cut
