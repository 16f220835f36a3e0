"""Docker's framing of an exec's output: stdout and stderr in one stream, in labelled portions.

Engine API, "Attach to a container", stream format: one byte channel (0 stdin, 1 stdout, 2 stderr), three zero bytes,
u32 big-endian length, the bytes.
"""

from __future__ import annotations

import struct

from pithy_local.door.frames import Breach

_HEADER = struct.Struct(">B3sI")
_STDOUT, _STDERR = 1, 2
MAX_PORTION = 4 * 1024 * 1024


class Demux:
    """Takes the stream apart, in any portions; keeps the last `keep` bytes of stderr."""

    def __init__(self, *, keep: int) -> None:
        self.stderr = b""
        self._keep = keep
        self._buffer = bytearray()
        self._channel = _STDOUT
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """What of stdout came with `data`. Raises Breach for a header that Docker does not write."""
        self._buffer += data
        output = bytearray()
        while self._left or self._next_portion():
            taken = self._take()
            if not taken:
                break
            if self._channel == _STDOUT:
                output += taken
            else:
                self.stderr = (self.stderr + taken)[-self._keep :]
        return bytes(output)

    def _next_portion(self) -> bool:
        """Read headers until one announces bytes; False when there is no whole header left."""
        while not self._left and len(self._buffer) >= _HEADER.size:
            self._channel, zeros, self._left = _HEADER.unpack_from(self._buffer)
            if self._channel not in (_STDOUT, _STDERR) or any(zeros) or self._left > MAX_PORTION:
                raise Breach("the engine's stream is not in docker's format")
            del self._buffer[: _HEADER.size]
        return self._left > 0

    def _take(self) -> bytes:
        taken = bytes(self._buffer[: self._left])
        del self._buffer[: len(taken)]
        self._left -= len(taken)
        return taken
