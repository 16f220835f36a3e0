"""Listens and speaks HTTP/1.1: uvicorn with its h11 protocol, which is given limits that it lacks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.http.answers import HttpError, refusal
from pithy_local.http.api import make_api
from pithy_local.http.chunks import Chunks
from pithy_local.http.context import Context, Worker
from pithy_local.http.guard import Names
from pithy_local.http.limits import MAX_CONNECTIONS, MAX_HEAD, Patience
from pithy_local.http.pool import Pool
from pithy_local.http.watch import Watch
from pithy_local.http.webhook import Webhook
from pithy_local.service import App

BACKLOG = 256

# Without a handler of its own, Python prints uvicorn's warnings to stderr.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())


class Connection(H11Protocol):
    """uvicorn's protocol, silent about accesses, that waits for nobody for ever."""

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None,
        *, patience: Patience,
    ) -> None:  # fmt: skip
        super().__init__(config, server_state, app_state, _loop)
        self.access_log = False
        self._patience = patience
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._arm("request", self._patience.request)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._arm("request", self._patience.request)
        else:
            self._disarm("request")

    def send_400_response(self, msg: str) -> None:
        """To what is no HTTP. Where an answer has begun, or ended before the body, nothing more can be said."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            told = refusal(HttpError(400, "bad_request", msg, headers={"connection": "close"}))
            for event in (
                h11.Response(status_code=told.status_code, headers=told.raw_headers),
                h11.Data(data=bytes(told.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._arm("stalled", self._patience.stalled)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._disarm("stalled")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        for name in tuple(self._timers):
            self._disarm(name)

    def _arm(self, name: str, seconds: float) -> None:
        """Cut the connection unless `_disarm` comes first. A timer that runs goes on."""
        if name not in self._timers and not self.transport.is_closing():
            self._timers[name] = self.loop.call_later(seconds, self.transport.abort)

    def _disarm(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()


class _Uvicorn(uvicorn.Server):
    """Signals are the main thread's: this one is told. It does nothing while nobody asks."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leaving = asyncio.Event()

    async def main_loop(self) -> None:
        await self.leaving.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves one app on one socket, in a thread of its own, from `start` to `stop`."""

    def __init__(
        self, app: App, sock: socket.socket, *, token: str, host: str, worker: Worker | None,
        say: Callable[[str], None], patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self._app, self._sock, self._say = app, sock, say
        self._token, self._worker, self._patience = token, worker, patience or Patience()
        self._names = Names.of(sock, host=host, further=app.settings.serve.names)
        self._pool = Pool()
        self._up = threading.Event()
        self._server: _Uvicorn | None = None
        self._watch: Watch | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self.failure: Exception | None = None
        """The bug that ended it."""

    def start(self) -> None:
        """Returns once requests are taken. Raises what prevents it."""
        self._thread.start()
        self._up.wait()
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """End the streams, let requests finish for a few seconds, close. Idempotent."""
        if self._loop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it ended in this moment
                self._loop.call_soon_threadsafe(self._leave)
        self._thread.join()
        self._pool.close()

    def _leave(self) -> None:
        if self._watch is not None and self._server is not None:
            self._watch.close()
            self._server.leaving.set()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self.failure = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watch = Watch(self._app, self._pool, self._say)
        context = Context(
            app=self._app, pool=self._pool, watch=self._watch, chunks=Chunks(self._app, self._pool),
            webhook=Webhook(self._app, self._pool, self._say, body_seconds=self._patience.body), worker=self._worker,
            patience=self._patience, say=self._say,
        )  # fmt: skip
        api = make_api(context, names=self._names, token=self._token)
        self._server = _Uvicorn(_config(api, self._patience))
        watching = asyncio.ensure_future(self._watch.run())
        serving = asyncio.ensure_future(self._server.serve(sockets=[self._sock]))
        self._up.set()  # the socket listens already: who connects now waits a moment
        done, _ = await asyncio.wait((watching, serving), return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
        watching.cancel()
        await asyncio.wait((watching,))


def _config(app: ASGIApp, patience: Patience) -> uvicorn.Config:
    protocol: Any = partial(Connection, patience=patience)
    return uvicorn.Config(
        app, http=protocol, ws="none", lifespan="off", loop="none", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, date_header=False, h11_max_incomplete_event_size=MAX_HEAD,
        timeout_keep_alive=patience.idle, timeout_graceful_shutdown=patience.finish, backlog=BACKLOG,
    )  # fmt: skip


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises PithyError(listen)."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)  # asyncio turns Nagle's delay off where it knows the protocol
    except UnicodeError as error:  # an empty label, or one of more than 63 characters
        raise PithyError(ErrorCode.LISTEN, f"cannot listen on {host}: that is no host's name") from error
    except OSError as error:
        raise PithyError(ErrorCode.LISTEN, f"cannot listen on {host}: {error.strerror}") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise PithyError(ErrorCode.LISTEN, f"cannot listen on {host}, port {port}: {error.strerror}") from error
    return sock
