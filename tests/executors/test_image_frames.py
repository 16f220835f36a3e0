"""Frames from the engine and from the sandbox: whole, or an error."""

from __future__ import annotations

import hashlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.diff_frame import DiffFrame
from pithy_local.executors.logs import frames
from pithy_local.models import Stream


def log_frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def answer(body: bytes) -> bytes:
    return struct.pack(">Q", len(body)) + hashlib.sha256(body).digest() + body


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=200_000)), max_size=5))
def test_log_frames_come_back_as_they_were_written(written: list[tuple[int, bytes]]) -> None:
    raw = io.BytesIO(b"".join(log_frame(stream, data) for stream, data in written))
    streams = {1: Stream.OUT, 2: Stream.ERR}
    assert list(frames(raw)) == [(streams[stream], data) for stream, data in written]


@pytest.mark.parametrize("keep", [3, 8, 10])
def test_a_log_that_ends_within_a_frame_is_no_clean_end(keep: int) -> None:
    with pytest.raises(EOFError):
        list(frames(io.BytesIO(log_frame(1, b"hello")[:keep])))


def unframe(framed: bytes, limit: int, diagnostics: str = "", portion: int = 1 << 20) -> bytes:
    frame = DiffFrame(limit)
    for start in range(0, len(framed), portion):
        frame.feed(framed[start : start + portion])
    return frame.diff(diagnostics)


@given(st.binary(max_size=10_000), st.integers(1, 12_000))
def test_a_whole_answer_is_unframed(body: bytes, portion: int) -> None:
    assert unframe(answer(body), limit=10_000, portion=max(portion, len(body) // 50 + 1)) == body


@pytest.mark.parametrize(
    "broken", [b"", b"short", answer(b"diff")[:-1], answer(b"diff") + b"x", answer(b"diff")[:-1] + b"X"]
)
def test_a_broken_answer_is_refused(broken: bytes) -> None:
    with pytest.raises(PithyError) as caught:
        unframe(broken, limit=100, diagnostics="Traceback: why")
    assert caught.value.code is ErrorCode.AGENT_FAILED
    assert caught.value.detail["stderr"] == "Traceback: why"


def test_a_diff_over_the_limit_is_a_matter_of_policy() -> None:
    with pytest.raises(PithyError, match="too large") as caught:
        unframe(answer(bytes(101))[:60], limit=100)
    assert caught.value.code is ErrorCode.POLICY


def test_what_lies_beyond_the_limit_is_not_kept() -> None:
    frame = DiffFrame(limit=100)
    frame.feed(answer(b"x" * 50) + bytes(1 << 20))
    assert frame.too_large
