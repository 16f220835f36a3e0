"""The collector's frame, read on the host: 8 bytes length, 32 bytes SHA-256, the diff; nothing in it is trusted."""

from __future__ import annotations

import hashlib
import struct

from pithy_local.errors import ErrorCode, PithyError

_LENGTH = struct.Struct(">Q")
_HEAD = _LENGTH.size + hashlib.sha256().digest_size


class DiffReader:
    """Takes the frame in portions and never keeps more than `limit` bytes of diff."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """More of the collector's output; what lies beyond the limit is dropped."""
        self._data += data[: max(0, _HEAD + self._limit + 1 - len(self._data))]

    @property
    def too_large(self) -> bool:
        """Whether more than the limit was announced or came."""
        announced = _LENGTH.unpack_from(self._data)[0] if len(self._data) >= _LENGTH.size else 0
        return max(announced, len(self._data) - _HEAD) > self._limit

    def result(self, exit_code: int | None) -> bytes:
        """The diff. Raises PithyError: policy (too large), agent_failed (the frame is not whole)."""
        if self.too_large:
            raise PithyError(ErrorCode.POLICY, f"the diff is larger than {self._limit:,} bytes")
        if exit_code != 0:
            raise PithyError(ErrorCode.AGENT_FAILED, f"the diff could not be made (exit code {exit_code})")
        diff = bytes(self._data[_HEAD:])
        head = _LENGTH.pack(len(diff)) + hashlib.sha256(diff).digest()
        if self._data[:_HEAD] != head:
            raise PithyError(ErrorCode.AGENT_FAILED, "the diff arrived damaged")
        return diff
