"""HTTP/1.1 on connections that nobody listens for: uvicorn's protocol on one end of a socketpair.

`Loopback` is the exception, for `local` alone: a port on 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

KEEP_ALIVE = 75
"""Seconds an idle connection is kept: longer than any SDK's pool keeps it, or a call could hit a closing one."""

# Without a handler of its own, Python prints uvicorn's warnings to stderr, in the middle of a dashboard.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())


class HttpServer:
    """An ASGI app and how it is served. Makes one protocol object a connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._config = Config(
            app,
            log_config=None,
            lifespan="off",
            ws="none",
            loop="none",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._config.load()

    def connection(self) -> HttpConnection:
        return HttpConnection(self._config, ServerState(), {})

    async def serve(self, sock: socket.socket) -> None:
        """Serve one connection to its end; every request on it has been dealt with then. Owns `sock`."""
        sock.setblocking(False)
        try:
            _, connection = await asyncio.get_running_loop().connect_accepted_socket(self.connection, sock)
        except BaseException:
            sock.close()
            raise
        await connection.finished()


class HttpConnection(H11Protocol):
    """uvicorn's protocol, silent about accesses, that says when it is over."""

    def __init__(self, config: Config, state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, state, app_state)
        self.access_log = False
        self._gone = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._gone.set()

    @property
    def over(self) -> bool:
        """Closed, and its last request dealt with."""
        return self._gone.is_set() and not self.tasks

    def abort(self) -> None:
        """Drop the connection at once; a running request sees its client leave."""
        self.transport.abort()

    async def finished(self) -> None:
        """Wait until the connection is closed and its last request was dealt with."""
        await self._gone.wait()
        await _all_done(self.tasks)


class Loopback:
    """`app` on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._connections: list[HttpConnection] = []

    async def start(self, app: ASGIApp) -> int:
        """Listen; returns the port."""
        http = HttpServer(app)

        def accept() -> HttpConnection:
            self._connections = [known for known in self._connections if not known.over]
            self._connections.append(http.connection())
            return self._connections[-1]

        self._server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, drop every connection, wait until their requests have been dealt with. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in self._connections:
            if connection.transport is not None:
                connection.abort()
                await connection.finished()
        await server.wait_closed()


async def _all_done(tasks: Iterable[asyncio.Task[None]]) -> None:
    while pending := [task for task in tasks if not task.done()]:
        await asyncio.wait(pending)
