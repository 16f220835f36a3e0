"""What every request passes first: the name it was sent to, the page it was sent from, its token."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pithy_local.http.answers import HttpError, refusal, unauthorized

WEBHOOK = "/api/webhook/github-actions"
OPEN = frozenset({"/healthz", "/metrics", "/openapi.json", WEBHOOK})
"""Paths that need no token. The webhook's signature is its own."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names this server answers to. A page that rebinds its own name to this address has another one.

    `host`: where it was told to listen, `address` and `port`: where it does. `further`: what a proxy passes on, at any
    port.
    """

    host: str
    address: str
    port: int
    further: Collection[str] = ()

    @classmethod
    def of(cls, sock: socket.socket, *, host: str, further: Collection[str] = ()) -> Names:
        """Of the server that listens with this socket."""
        address, port = sock.getsockname()[:2]
        return cls(host=host, address=address, port=port, further=further)

    def allow(self, authority: str) -> bool:
        """Whether a `Host` header is one of ours: the port is the one we listen on, but for further names."""
        name, port = _split(authority)
        if name in {further.lower() for further in self.further}:
            return True
        return port == self.port and (name in {*LOOPBACK, self.host.lower(), self.address} or self._is_own(name))

    def _is_own(self, name: str) -> bool:
        """Listening on every address: any address is ours, since a name is needed to rebind, and the host's name."""
        if not is_every_address(self.address):
            return False
        return _is_address(name) or name == socket.gethostname().lower()


class Guard:
    """Answers what may not pass; everything else goes on to `app`."""

    def __init__(self, app: ASGIApp, *, names: Names, token: str) -> None:
        self._app, self._names, self._token = app, names, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(scope["path"], Headers(scope=scope))
            except HttpError as error:
                await refusal(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, path: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._names.allow(host):
            raise HttpError(
                421, "wrong_host", "this server does not answer to that name",
                "Use the address that `serve` printed; `serve.names` allows further names.",
            )  # fmt: skip
        for origin in headers.getlist("origin"):
            if origin not in (f"http://{host}", f"https://{host}"):
                raise HttpError(403, "wrong_origin", "no web page may use this server", "Call it from a program.")
        if path not in OPEN and not self._has_token(headers.getlist("authorization")):
            raise unauthorized(
                "the token is missing or wrong", "Send `Authorization: Bearer …` with serve.token's text."
            )

    def _has_token(self, given: list[str]) -> bool:
        if len(given) != 1:
            return False
        scheme, _, shown = given[0].partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), self._token)


def is_every_address(address: str) -> bool:
    """0.0.0.0 or ::, as the system says what a socket is bound to: users may write it as 0."""
    return _parsed(address).is_unspecified


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches it; `address` as the system says it: users may write 127.1 or a name."""
    return _parsed(address).is_loopback


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address that is written as one of IPv6 is what it stands for."""
    found = ipaddress.ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _split(authority: str) -> tuple[str, int | None]:
    """Name, lower case and without brackets, and port (80 where none is given, None for what is no port)."""
    name, colon, port = authority.lower().rpartition(":")
    if not colon or port.endswith("]"):
        name, port = authority.lower(), "80"
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None
    return name.removeprefix("[").removesuffix("]").removesuffix("."), number
