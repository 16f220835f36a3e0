"""A TLS socket as a plain one, for an event loop that cannot adopt it.

One thread reads and writes: OpenSSL's objects must not be used by two at once.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading

_PORTION = 64 * 1024
_HIGH = 1024 * 1024
"""Bytes held for a side that does not read before the other side is not read either."""


def bridge(secure: ssl.SSLSocket) -> socket.socket:
    """A connected plain socket whose bytes travel over `secure`. Takes `secure` over: it is closed with the result."""
    ours, theirs = socket.socketpair()
    secure.setblocking(False)
    theirs.setblocking(False)
    threading.Thread(target=_Bridge(secure, theirs).run, name="pithy-tls", daemon=True).start()
    return ours


class _Bridge:
    def __init__(self, secure: ssl.SSLSocket, plain: socket.socket) -> None:
        self._secure = secure
        self._plain = plain
        self._to_secure = bytearray()
        self._to_plain = bytearray()

    def run(self) -> None:
        try:
            while self._turn():
                pass
        except OSError:
            pass  # one side is gone: the other must learn it
        finally:
            self._plain.close()
            self._secure.close()

    def _turn(self) -> bool:
        """Move what can be moved now; False when a side has ended and all it said was passed on."""
        hungry = len(self._to_plain) < _HIGH
        read_from: list[socket.socket] = [self._secure] if hungry else []
        if len(self._to_secure) < _HIGH:
            read_from.append(self._plain)
        write_to = [side for side, data in ((self._secure, self._to_secure), (self._plain, self._to_plain)) if data]
        # what OpenSSL has decrypted already makes no socket readable
        waiting = bool(self._secure.pending()) and hungry
        readable, writable, _ = select.select(read_from, write_to, [], 0 if waiting else None)
        alive = True
        if self._secure in readable or waiting:
            alive = self._receive(self._secure, self._to_plain)
        if self._plain in readable:
            alive = self._receive(self._plain, self._to_secure) and alive
        for side, data in ((self._secure, self._to_secure), (self._plain, self._to_plain)):
            if data and (side in writable or not alive):
                self._send(side, data)
        return alive

    @staticmethod
    def _receive(side: socket.socket, into: bytearray) -> bool:
        try:
            data = side.recv(_PORTION)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return True
        into += data
        return bool(data)

    @staticmethod
    def _send(side: socket.socket, data: bytearray) -> None:
        try:
            sent = side.send(bytes(data[:_PORTION]))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return
        del data[:sent]
