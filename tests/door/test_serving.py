from __future__ import annotations

import asyncio
import socket

from starlette.types import Receive, Scope, Send

from pithy_local.door.serving import HttpServer, Loopback

REQUEST = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    body = scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def test_a_connected_socket_is_served_until_its_other_end_closes() -> None:
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(HttpServer(app).serve(theirs))
    reader, writer = await asyncio.open_connection(sock=ours)
    for _ in range(2):
        writer.write(REQUEST)
        assert (await reader.readuntil(b"/hello")).startswith(b"HTTP/1.1 200 OK")
    assert not serving.done()
    writer.transport.abort()
    await asyncio.wait_for(serving, 60)


async def test_nonsense_on_a_socket_is_answered_and_the_socket_closed() -> None:
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(HttpServer(app).serve(theirs))
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    await asyncio.wait_for(serving, 60)
    writer.transport.abort()


async def test_a_loopback_stops_listening_when_closed() -> None:
    loopback = Loopback()
    port = await loopback.start(app)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    await reader.readuntil(b"/hello")
    await loopback.close()
    await loopback.close()
    assert await reader.read() == b""
    writer.transport.abort()
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", port)) != 0
