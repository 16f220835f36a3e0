"""The door's protocol on the host: frames on one byte stream, many connections in them.

A frame is a header (kind: u8, stream: u32, length: u32, big-endian) and `length` bytes. The host says HELLO first
(docker-py can lose bytes that arrive glued to the answer that opens the stream), the door answers HELLO. Then:

    OPEN    door → host   a connection was accepted; the payload names the service
    DATA    both          bytes of a stream; the sum not yet credited never exceeds WINDOW
    EOF     both          this side sends no more on the stream
    RST     both          the stream is over, at once, both ways
    CREDIT  both          u32: so many bytes were taken by the reader and may be sent again
    PING    host → door   eight bytes; the door leaves when none comes for a while
    PONG    door → host   the same eight bytes

`runner/door.py` is the other end. It cannot import this module: a test holds the two together.
Everything that comes from the container is hostile: whatever breaks a rule here closes the door.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
HEADER = struct.Struct(">BII")
WINDOW = 256 * 1024
"""Bytes a side may have under way on one stream: bounds memory, and one stalled reader stalls itself alone."""
CHUNK = 64 * 1024
"""Most bytes of DATA in one frame."""
MAX_STREAMS = 256
HEARTBEAT = 15.0
"""Seconds without a PING after which the door leaves."""


class Kind(IntEnum):
    """What a frame says; see the module's table."""

    HELLO = 0
    OPEN = 1
    DATA = 2
    EOF = 3
    RST = 4
    CREDIT = 5
    PING = 6
    PONG = 7


RULES: dict[int, tuple[bool, int, int]] = {
    Kind.HELLO: (False, 2, CHUNK),
    Kind.OPEN: (True, 1, 32),
    Kind.DATA: (True, 1, CHUNK),
    Kind.EOF: (True, 0, 0),
    Kind.RST: (True, 0, 0),
    Kind.CREDIT: (True, 4, 4),
    Kind.PING: (False, 8, 8),
    Kind.PONG: (False, 8, 8),
}
"""Kind → does it belong to a stream (whose number is then not 0), least and most bytes of payload."""


class Breach(Exception):
    """The other end broke the protocol."""


@dataclass(frozen=True)
class Frame:
    """One whole frame that keeps the rules."""

    kind: Kind
    stream: int
    payload: bytes


def encode(kind: Kind, stream: int = 0, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return HEADER.pack(kind, stream, len(payload)) + payload


def encode_credit(stream: int, count: int) -> bytes:
    """A CREDIT frame for `count` bytes."""
    return encode(Kind.CREDIT, stream, count.to_bytes(4, "big"))


class Decoder:
    """Makes frames of bytes in any portions. Never believes a length before it has judged it."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now. Raises Breach; the decoder is of no use afterwards."""
        self._buffer += data
        frames: list[Frame] = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            kind, stream, length = HEADER.unpack_from(self._buffer, start)
            _check(kind, stream, length)
            end = start + HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append(Frame(Kind(kind), stream, bytes(self._buffer[start + HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames


def _check(kind: int, stream: int, length: int) -> None:
    rule = RULES.get(kind)
    if rule is None:
        raise Breach(f"there is no frame of kind {kind}")
    of_stream, least, most = rule
    if (stream != 0) is not of_stream:
        raise Breach(f"{Kind(kind).name} on stream {stream}")
    if not least <= length <= most:
        raise Breach(f"{Kind(kind).name} of {length} bytes")
