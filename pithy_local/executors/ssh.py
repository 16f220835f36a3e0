"""An engine behind ssh, reached as the docker command reaches it: `docker system dial-stdio` at the far end.

Each connection is the system's own `ssh` with a socket pair for stdin and stdout: it follows the user's ssh
configuration, is read with a time limit, can be cut from another thread and be adopted by an event loop. Nothing is
asked for on the terminal, and what ssh says becomes the error's reason.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

ADDRESS = re.compile(
    r"ssh://((?P<user>[^@:/?#]+)@)?(?P<name>\[[^]]+\]|[^@:/?#\[]+)(:(?P<port>\d+))?(?P<path>(/[^?#]*)?)"
)
WORDS = 4096
"""Bytes read at once of what ssh says on stderr."""
LAST_WORDS_SECONDS = 2.0
SEND_SECONDS = 120.0
"""To get in and to send a request, the context of a build among them. Its answer is waited for as the session says."""


def dial_command(host: str) -> list[str]:
    """For `ssh://[user@]name[:port][/path/to/its.sock]`. Raises ValueError for what is no such address."""
    found = ADDRESS.fullmatch(host)
    if found is None:
        raise ValueError("an engine's address behind ssh is ssh://[user@]name[:port][/path/to/its.sock]")
    where = ["-l", found["user"]] if found["user"] else []
    where += ["-p", found["port"]] if found["port"] else []
    engine = ["--host", f"unix://{found['path']}"] if found["path"].strip("/") else []
    far = shlex.join(["docker", *engine, "system", "dial-stdio"])
    return ["ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", *where, "--", found["name"].strip("[]"), far]


class SshAdapter(HTTPAdapter):
    """Carries the requests of one session; `argv` is the command whose stdin and stdout are a connection."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._pool = _Pool(argv)
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        return self._pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return request.path_url

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Raises requests.RequestException; its text is what ssh said where ssh has failed."""
        try:
            return super().send(request, *args, **options)
        except requests.ConnectionError as error:
            if said := self._pool.last_words():
                raise requests.ConnectionError(said) from error
            raise

    def close(self) -> None:
        self._pool.close()
        super().close()


class _Pool(HTTPConnectionPool):
    def __init__(self, argv: Sequence[str]) -> None:
        super().__init__("localhost")
        self._argv = argv
        self._last: _Dial | None = None

    def dial(self) -> socket.socket:
        """Raises OSError where there is no ssh."""
        self._last = _Dial(self._argv)
        return self._last.near

    def last_words(self) -> str:
        """Why the last connection's ssh has failed; empty where it has not."""
        return self._last.last_words() if self._last is not None else ""

    def _new_conn(self) -> _Connection:
        self.num_connections += 1
        return _Connection(self)


class _Connection(HTTPConnection):
    def __init__(self, pool: _Pool) -> None:
        super().__init__("localhost")
        self._pool = pool

    def connect(self) -> None:
        self.sock = self._pool.dial()
        self.sock.settimeout(SEND_SECONDS)


class _Dial:
    """One ssh and our end of its stdin and stdout. It ends when that is closed, or shut down."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.near, far = socket.socketpair()
        try:
            with far:
                # a session of its own: a terminal's ctrl+c is for us, and ssh finds no terminal to ask on
                self._process = subprocess.Popen(
                    argv, stdin=far.fileno(), stdout=far.fileno(), stderr=subprocess.PIPE, start_new_session=True
                )
        except OSError as error:
            self.near.close()
            raise OSError(f"the command {argv[0]} does not start: {error.strerror}") from error
        self._said = b""
        self._listener = threading.Thread(target=self._listen, name="pithy-ssh", daemon=True)
        self._listener.start()

    def last_words(self) -> str:
        self._listener.join(LAST_WORDS_SECONDS)
        if self._listener.is_alive() or not self._process.returncode:
            return ""
        lines = self._said.decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _listen(self) -> None:
        """Keep the end of what it says, and leave no process behind that nobody waited for."""
        with self._process as process:
            assert process.stderr is not None
            while data := os.read(process.stderr.fileno(), WORDS):
                self._said = (self._said + data)[-WORDS:]
