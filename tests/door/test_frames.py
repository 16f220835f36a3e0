"""The door's codec, and that its two ends, which cannot import each other, speak the same protocol."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

import runner.door
from pithy_local.door import frames
from pithy_local.door.frames import HEADER, RULES, Breach, Decoder, Frame, Kind, encode
from tests.door.harness import calm


@st.composite
def good_frames(draw: st.DrawFn) -> Frame:
    kind = draw(st.sampled_from(Kind))
    of_stream, least, most = RULES[kind]
    payload = draw(st.binary(min_size=least, max_size=min(most, 300)))
    return Frame(kind, draw(st.integers(1, 2**32 - 1)) if of_stream else 0, payload)


def wire(found: list[Frame]) -> bytes:
    return b"".join(encode(frame.kind, frame.stream, frame.payload) for frame in found)


@calm
@given(st.lists(good_frames()), st.lists(st.integers(1, 400)))
def test_frames_survive_any_portions(sent: list[Frame], sizes: list[int]) -> None:
    data, decoder, seen = wire(sent), Decoder(), list[Frame]()
    for size in [*sizes, len(data)]:
        seen += decoder.feed(data[:size])
        data = data[size:]
    assert seen == sent


@calm
@given(st.binary(max_size=200))
def test_garbage_is_frames_or_a_breach(data: bytes) -> None:
    try:
        seen = Decoder().feed(data)
    except Breach:
        return
    assert data.startswith(wire(seen))


@calm
@given(st.integers(0, 255), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_a_header_is_judged_before_its_payload_is_awaited(kind: int, stream: int, length: int) -> None:
    rule = RULES.get(kind)
    good = rule is not None and rule[0] is (stream != 0) and rule[1] <= length <= rule[2]
    decoder = Decoder()
    if good:
        decoder.feed(HEADER.pack(kind, stream, length))
    else:
        with pytest.raises(Breach):
            decoder.feed(HEADER.pack(kind, stream, length))


async def read_one(data: bytes) -> tuple[int, int, bytes]:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await runner.door.read_frame(reader)


@calm
@given(good_frames())
def test_each_end_reads_what_the_other_writes(frame: Frame) -> None:
    written = runner.door.encode(frame.kind, frame.stream, frame.payload)
    assert Decoder().feed(written) == [frame]
    assert asyncio.run(read_one(wire([frame]))) == (frame.kind, frame.stream, frame.payload)


@calm
@given(st.integers(0, 255), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_both_ends_refuse_the_same_headers(kind: int, stream: int, length: int) -> None:
    header = HEADER.pack(kind, stream, length)
    try:
        Decoder().feed(header)
    except Breach:
        with pytest.raises(runner.door.Malformed):
            asyncio.run(read_one(header))


def test_both_ends_have_the_same_constants() -> None:
    theirs = vars(runner.door)
    assert {kind.name: theirs[kind.name] for kind in Kind} == {kind.name: int(kind) for kind in Kind}
    assert theirs["RULES"] == RULES
    for name in ("VERSION", "WINDOW", "CHUNK", "MAX_STREAMS"):
        assert theirs[name] == getattr(frames, name)
    assert theirs["HEADER"].format == HEADER.format
