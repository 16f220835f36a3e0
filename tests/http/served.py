"""A real server on a free loopback port, and a client that speaks to it."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from pithy_local.clock import SystemClock
from pithy_local.config import Secrets, Settings
from pithy_local.errors import PithyError
from pithy_local.http.context import Worker
from pithy_local.http.limits import Patience
from pithy_local.http.server import HttpServer, listen
from pithy_local.models import Phase, Stream, Task
from pithy_local.paths import Home
from pithy_local.service import App
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.seeding import enqueue

TOKEN = "token-of-the-test-0123456789"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIMEOUT = 60.0


@dataclass
class IdleWorker:
    """A supervisor's face: it works nothing."""

    running: int = 0
    engine_silent: PithyError | None = None
    failure: Exception | None = None


@dataclass(kw_only=True)
class Served:
    """The server, what it said, and its home as tests change it."""

    app: App
    port: int
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def store(self) -> Store:
        return self.app.store

    def client(self, token: str | None = TOKEN, **more: Any) -> httpx2.Client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=TIMEOUT, trust_env=False, **more)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        with self.client() as client:
            return client.get(path, **more)

    def post(self, path: str, **more: Any) -> httpx2.Response:
        with self.client() as client:
            return client.post(path, **more)

    def raw(self, data: bytes, timeout: float = TIMEOUT) -> bytes:
        """All that the server answers to these bytes, until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer

    def enqueue(self, **fields: Any) -> Task:
        return enqueue(self.store, **fields)

    def elsewhere(self, **fields: Any) -> Task:
        """A task that waits in `running` at an executor outside, in nobody's hands here."""
        task = self.enqueue(executor="github-actions", **fields)
        owner = Processes(self.store).register("test")
        claimed = Tasks(self.store).claim(owner, executors=["github-actions"], concurrency=64, ids=[task.id])
        assert claimed is not None
        lease = Lease(self.store, claimed, owner)
        lease.begin_attempt()
        lease.enter(Phase.AGENT)
        lease.hand_back()
        return Tasks(self.store).get(task.id)


class Writer:
    """Writes a task's log, as the worker that has it."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._logs, self._lease, self._clock = Logs(store), lease, store.clock
        self._logs.open(lease.n, lease.task.attempts, lease.fence)

    def write(self, *texts: str) -> int:
        """The number of the last line."""
        entries = [Entry(at=self._clock.now_ms(), stream=Stream.OUT, text=text) for text in texts]
        return self._logs.append(self._lease.n, self._lease.fence, entries)


@contextmanager
def serving(root: Path, *, worker: Worker | None = None, port: int = 0, secrets: Secrets | None = None,
            patience: Patience | None = None, **settings: Any) -> Iterator[Served]:  # fmt: skip
    """A server on the home below `root`; `settings`: tables of the configuration, as in the file."""
    home, clock = Home(root=root / "home"), SystemClock()
    serve = {"webhook_secret": SECRET, "rate_limit": "1000/second"} | settings.pop("serve", {})
    parsed = msgspec.convert({"executor": "local", "serve": serve, **settings}, Settings)
    said: list[str] = []
    with (
        App(
            settings=parsed, secrets=secrets or Secrets(), home=home, store=Store(home, clock), clock=clock, env={}
        ) as app,
        listen("127.0.0.1", port) as sock,
    ):
        served = Served(app=app, port=sock.getsockname()[1], said=said)
        http = HttpServer(app, sock, token=TOKEN, host="127.0.0.1", worker=worker, say=said.append, patience=patience)
        http.start()
        try:
            yield served
        finally:
            http.stop()
    assert http.failure is None


@dataclass(frozen=True, kw_only=True)
class Event:
    """One server-sent event."""

    id: str | None
    event: str
    data: str


def events(response: httpx2.Response) -> Iterator[Event]:
    """The stream's events, as the specification reads them; comments are passed over."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield Event(id=fields.get("id"), event=fields.get("event", "message"), data=fields["data"])
            fields = {}


def error_of(response: httpx2.Response) -> Mapping[str, str]:
    """The error object; the answer has no other key."""
    body = response.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message", "hint"}
    error: Mapping[str, str] = body["error"]
    return error
