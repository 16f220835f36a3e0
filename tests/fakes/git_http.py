"""A git server over HTTP: git's own `http-backend` behind the loopback server, with Basic auth and rights.

`GitHttpServer(root)` serves `root/owner/name.git` as `http://127.0.0.1:PORT/owner/name.git`.
Who may do what follows GitHub: password = token and any user name; 401 without or with wrong credentials where they
are needed, 403 for a push without the right, 404 for a repository that is not there.
"""

from __future__ import annotations

import base64
import binascii
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import IO

from tests.fakes.faults import Chance, Drop, Fail, Faults, Hold, LoseAnswer
from tests.fakes.loopback import Exchange, Gate, LoopbackServer, Request
from tests.support import git, git_env

FETCH = "git-upload-pack"
PUSH = "git-receive-pack"
_BLOCK = 65536
_PROBE = b"0000"
"""What git sends first, without a pack, where the pack is too long for one buffer."""


class Right(IntEnum):
    """What somebody may do; each right holds the ones below it."""

    NONE = 0
    READ = 1
    WRITE = 2


@dataclass(frozen=True, kw_only=True)
class GitCall:
    """One request to the server. It never holds a token."""

    method: str
    repo: str
    """`owner/name`"""
    service: str
    """`git-upload-pack` (fetch) or `git-receive-pack` (push)"""
    advertisement: bool
    """Whether this asked for the list of refs (`info/refs`), the step before any pack travels."""
    authorized: bool
    """Whether an Authorization header came with it."""
    token_name: str | None
    """The name given to `add_token`, None without a known token."""
    chunked: bool
    gzipped: bool
    body_bytes: int
    status: int | None
    """Status answered, None where the answer was lost."""


class GitHttpServer(LoopbackServer):
    """Serves the bare repositories below `root`; `anonymous` is what one may do without credentials."""

    def __init__(self, root: Path, *, anonymous: Right = Right.NONE) -> None:
        super().__init__()
        self.calls: list[GitCall] = []
        self._root = root
        self._anonymous = anonymous
        self._tokens: dict[str, tuple[str, Right]] = {}
        self._faults = Faults()
        self._backends: set[subprocess.Popen[bytes]] = set()
        self._backend = str(Path(git("--exec-path")) / "git-http-backend")

    def add_token(self, token: str, right: Right = Right.WRITE, *, name: str = "tester") -> None:
        """Let `token` in as `name`."""
        with self.lock:
            self._tokens[token] = (name, right)

    def remove_token(self, token: str) -> None:
        """Know `token` no more: it has expired."""
        with self.lock:
            del self._tokens[token]

    def url_of(self, full_name: str) -> str:
        """The clone URL of `owner/name`, without credentials."""
        return f"{self.url}/{full_name}.git"

    def fail_next(
        self, service: str, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, times: int = 1
    ) -> None:
        """Answer the next `times` requests of `service` (FETCH or PUSH, the list of refs too) with `status`."""
        self._faults.add(service, Fail(status=status, body=body, headers=headers or {}), times)

    def drop_next(self, service: str, times: int = 1) -> None:
        """Close the connection of the next `times` packs of `service` before git sees them."""
        self._faults.add(f"{service} pack", Drop(), times)

    def lose_answer(self, service: str) -> None:
        """Take the next pack of `service` (not the list of refs), then close the connection without an answer."""
        self._faults.add(f"{service} pack", LoseAnswer())

    def hold(self, service: str) -> Gate:
        """Let the next pack of `service` wait, before git sees it, until the returned gate is released."""
        gate = Gate()
        self._faults.add(f"{service} pack", Hold(gate=gate))
        return gate

    def leave_to_chance(self, chance: Chance) -> None:
        """Ask `chance` about each request that no other fault waits for: `FETCH` or `PUSH` of any kind, and packs as
        `git-receive-pack pack`."""
        self._faults.otherwise = chance

    def stop(self) -> None:
        with self.lock:
            self.stopping.set()
            for backend in self._backends:
                try:
                    os.killpg(backend.pid, signal.SIGKILL)
                except OSError:
                    pass  # it ended by itself
        super().stop()

    def serve(self, exchange: Exchange) -> None:
        request = exchange.request
        repo, inner = _split(request.path)
        advertisement = inner == "info/refs"
        service = dict(request.query).get("service", FETCH) if advertisement else inner.rpartition("/")[2]
        name, right = self._who(request)
        call = GitCall(
            method=request.method, repo=repo, service=service, advertisement=advertisement,
            authorized="authorization" in request.headers, token_name=name,
            chunked="chunked" in request.headers.get("transfer-encoding", ""),
            gzipped="content-encoding" in request.headers, body_bytes=len(request.body), status=None,
        )  # fmt: skip
        fault = self._faults.take(service)
        if fault is None and not advertisement and request.body != _PROBE:
            fault = self._faults.take(f"{service} pack")
        refused = fault if isinstance(fault, Fail) else self._refusal(call, right)
        if isinstance(fault, Drop):
            self._record(call, None)
            exchange.cut()
        elif isinstance(fault, Hold) and not exchange.wait(fault.gate, watch_client=False):
            exchange.cut()
        elif refused:
            self._record(call, refused.status)
            exchange.send(refused.status, refused.body, refused.headers)
        else:
            self._run_backend(exchange, call, inner, lose=isinstance(fault, LoseAnswer))

    def _record(self, call: GitCall, status: int | None) -> None:
        """Always before the answer leaves: a client that has it may look at the calls at once."""
        with self.lock:
            self.calls.append(replace(call, status=status))

    def _who(self, request: Request) -> tuple[str | None, Right | None]:
        """(name, right) of the token sent; right None for a token nobody knows."""
        header = request.headers.get("authorization")
        if header is None:
            return None, self._anonymous
        scheme, _, encoded = header.partition(" ")
        try:
            _, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            token = ""
        with self.lock:
            return self._tokens.get(token, (None, None)) if scheme.lower() == "basic" else (None, None)

    def _refusal(self, call: GitCall, right: Right | None) -> Fail | None:
        needed = Right.WRITE if call.service == PUSH else Right.READ
        if right is None or (right < needed and not call.authorized):
            words = "Invalid username or token." if call.authorized else "No anonymous access."
            return _refused(401, words, {"WWW-Authenticate": 'Basic realm="GitHub"'})
        path = (self._root / f"{call.repo}.git").resolve()
        if right < Right.READ or not path.is_relative_to(self._root.resolve()) or not (path / "HEAD").is_file():
            return _refused(404, "Repository not found.")
        if right < needed:
            return _refused(403, f"Permission to {call.repo}.git denied.")
        return None

    def _run_backend(self, exchange: Exchange, call: GitCall, inner: str, *, lose: bool) -> None:
        env = self._environment(exchange.request, f"/{call.repo}.git/{inner}", call.token_name)
        with tempfile.TemporaryFile() as stdin:
            stdin.write(exchange.request.body)
            stdin.seek(0)
            backend = self._started(stdin, env)
        try:
            with backend:
                assert backend.stdout is not None
                status, headers = _cgi_head(backend.stdout)
                if lose:
                    backend.stdout.read()
                    self._record(call, None)
                    exchange.cut()
                    return
                self._record(call, status)
                exchange.begin(status, headers)
                while block := backend.stdout.read(_BLOCK):
                    exchange.write(block)
                exchange.end()
        finally:
            with self.lock:
                self._backends.discard(backend)

    def _started(self, stdin: IO[bytes], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self.lock:
            if self.stopping.is_set():
                raise ConnectionAbortedError("the server is being stopped")
            # A session of its own: hooks and other children of the backend end with it.
            backend = subprocess.Popen(
                [self._backend], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env,
                start_new_session=True,
            )  # fmt: skip
            self._backends.add(backend)
            return backend

    def _environment(self, request: Request, path_info: str, user: str | None) -> dict[str, str]:
        """The CGI variables of RFC 3875 that http-backend reads; REMOTE_USER is what lets it take pushes."""
        cgi = {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self._root),
            "PATH_INFO": path_info,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": user or "anonymous",
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        }
        return git_env({name: value for name, value in cgi.items() if value})


def _split(path: str) -> tuple[str, str]:
    """`/owner/name.git/info/refs` as (`owner/name`, `info/refs`)."""
    repo, _, inner = path.lstrip("/").partition(".git/")
    return repo, inner


def _refused(status: int, words: str, headers: Mapping[str, str] | None = None) -> Fail:
    return Fail(status=status, body=words.encode(), headers={"Content-Type": "text/plain", **(headers or {})})


def _cgi_head(output: IO[bytes]) -> tuple[int, dict[str, str]]:
    """Status and headers of the backend's CGI answer; ConnectionAbortedError where it was ended before them."""
    status, headers = 200, {}
    while line := output.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    if not headers:
        raise ConnectionAbortedError("git http-backend ended without an answer")
    return status, headers
