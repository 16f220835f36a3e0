"""The frame of `runner.collect`, read on the host: 8 bytes length, 32 bytes SHA-256, the diff; nothing is trusted."""

from __future__ import annotations

import hashlib
import struct

from pithy_local.errors import ErrorCode, PithyError

_LENGTH = struct.Struct(">Q")
_HEAD = _LENGTH.size + hashlib.sha256().digest_size


class DiffFrame:
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
        return self._size > self._limit

    def diff(self, diagnostics: str = "") -> bytes:
        """The diff. Raises PithyError: policy (too large), agent_failed (the frame is not whole).

        `diagnostics`: what the collector said besides, for the error's detail.
        """
        if self.too_large:
            raise PithyError(
                ErrorCode.POLICY, f"the diff is too large: {self._size:,} bytes, the limit is {self._limit:,}"
            )
        diff = bytes(self._data[_HEAD:])
        if self._data[:_HEAD] != _LENGTH.pack(len(diff)) + hashlib.sha256(diff).digest():
            detail = {"bytes": len(self._data), "stderr": diagnostics[-500:]}
            raise PithyError(ErrorCode.AGENT_FAILED, "the sandbox did not hand over its diff whole", detail=detail)
        return diff

    @property
    def _size(self) -> int:
        """Bytes of diff, as announced or as they came, whichever is more."""
        announced: int = _LENGTH.unpack_from(self._data)[0] if len(self._data) >= _LENGTH.size else 0
        return max(announced, len(self._data) - _HEAD)
