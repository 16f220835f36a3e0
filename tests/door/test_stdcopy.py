from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithy_local.door.frames import Breach
from pithy_local.door.stdcopy import Demux
from tests.door.harness import calm

PORTIONS = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=100)))


def portion(channel: int, data: bytes) -> bytes:
    return struct.pack(">BxxxI", channel, len(data)) + data


@calm
@given(PORTIONS, st.lists(st.integers(1, 50)))
def test_stdout_and_stderr_come_apart_in_any_portions(portions: list[tuple[int, bytes]], sizes: list[int]) -> None:
    data = b"".join(portion(*one) for one in portions)
    demux, stdout = Demux(keep=10_000), b""
    for size in [*sizes, len(data)]:
        stdout += demux.feed(data[:size])
        data = data[size:]
    assert stdout == b"".join(said for channel, said in portions if channel == 1)
    assert demux.stderr == b"".join(said for channel, said in portions if channel == 2)


def test_only_the_end_of_stderr_is_kept() -> None:
    demux = Demux(keep=5)
    demux.feed(portion(2, b"hello ") + portion(2, b"world"))
    assert demux.stderr == b"world"


@pytest.mark.parametrize(
    "header",
    [b"\x00\0\0\0\0\0\0\1", b"\x03\0\0\0\0\0\0\1", b"\x01\1\0\0\0\0\0\1", b"\x01\0\0\0\xff\0\0\0", b"HTTP/1.1"],
)
def test_what_docker_does_not_write_is_a_breach(header: bytes) -> None:
    with pytest.raises(Breach):
        Demux(keep=5).feed(header)
