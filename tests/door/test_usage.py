from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithy_local.door.usage import Meter, Tokens
from tests.door.harness import calm

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["usage", "response", "delta"]), inner),
    max_leaves=10,
)


def count(
    *documents: dict[str, Any], sent: int = 35, part: bool = False, whole: bool = True, most: int | None = None
) -> Tokens:
    meter = Meter(sent, most)
    for document in documents:
        meter.see(document, part=part)
    return meter.count(whole=whole)


START = {"type": "message_start", "message": {"usage": {
    "input_tokens": 3, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 10, "output_tokens": 1,
}}}  # fmt: skip
TEXT = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "x" * 35}}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 40}}


@pytest.mark.parametrize(
    "document",
    [
        {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}},
        {"usage": {"input_tokens": 3, "output_tokens": 4}},
        {"type": "response.completed", "response": {"usage": {"input_tokens": 3, "output_tokens": 4}}},
        {"usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 7}},
    ],
    ids=["chat", "responses", "responses stream", "reasoning in the total alone"],
)
def test_usage_is_read_in_each_shape(document: dict[str, Any]) -> None:
    assert count(document) == Tokens(input=3, output=4)


@pytest.mark.parametrize(
    "document",
    [
        {"usage": {"prompt_tokens": 33, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 20}}},
        {"usage": {"input_tokens": 33, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 20}}},
        {"usage": {"input_tokens": 13, "output_tokens": 4, "cache_read_input_tokens": 20}},
        {"usage": {"prompt_tokens": 33, "completion_tokens": 4, "cache_read_input_tokens": 20}},
    ],
    ids=["chat", "responses", "messages", "messages behind another server"],
)
def test_what_came_from_the_cache_is_input_and_kept_apart(document: dict[str, Any]) -> None:
    assert count(document) == Tokens(input=33, output=4, cache_read=20)


def test_what_was_written_to_the_cache_is_input_and_kept_apart() -> None:
    document = {"usage": {"input_tokens": 3, "output_tokens": 4, "cache_creation_input_tokens": 30}}
    assert count(document) == Tokens(input=33, output=4, cache_write=30)


def test_cached_parts_never_exceed_the_input() -> None:
    document = {"usage": {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {
        "cached_tokens": 4, "cache_write_tokens": 90,
    }}}  # fmt: skip
    assert count(document) == Tokens(input=5, output=1, cache_read=4, cache_write=1)


def test_a_stream_of_anthropics_is_counted_from_its_beginning_and_its_end() -> None:
    assert count(START, TEXT, END, part=True) == Tokens(input=33, output=40, cache_read=20, cache_write=10)


def test_a_stream_that_stops_after_its_beginning_is_not_believed_to_be_one_token_long() -> None:
    tokens = count(START, TEXT, part=True, whole=False)
    assert tokens == Tokens(input=33, output=10, cache_read=20, cache_write=10, estimated=True)


def test_a_stream_that_ends_well_but_never_tells_its_output_is_estimated() -> None:
    assert count(START, TEXT, part=True, whole=True).output == 10
    assert count(START, TEXT, part=True, whole=True).estimated


def test_a_usage_that_grows_is_not_the_last_word_of_an_answer_cut_short() -> None:
    chunk = {"choices": [{"delta": {"content": "x" * 70}}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    assert count(chunk, part=True, whole=False) == Tokens(input=3, output=20, estimated=True)


def test_an_estimate_stays_below_the_limit_that_the_server_was_given() -> None:
    chunk = {"choices": [{"delta": {"content": "x" * 700}}]}
    assert count(chunk, part=True, whole=False, most=50).output == 50


def test_fragments_of_an_answer_count() -> None:
    meter = Meter(35)
    meter.see_fragment(700)
    assert meter.count(whole=False) == Tokens(input=10, output=200, estimated=True)


def test_embeddings_have_no_output() -> None:
    document = {"data": [{"embedding": [0.1] * 100}], "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    assert count(document) == Tokens(input=8, output=0)


def test_a_usage_repeated_in_every_chunk_counts_once() -> None:
    chunks = [{"usage": {"prompt_tokens": 3, "completion_tokens": n}} for n in (1, 2, 4)]
    assert count(*chunks, part=True) == Tokens(input=3, output=4)


@pytest.mark.parametrize("nothing", [None, {}, 5, {"prompt_tokens": 0}, {"prompt_tokens": -3}, {"prompt_tokens": True}])
def test_a_usage_that_says_nothing_is_estimated(nothing: Any) -> None:
    document = {"usage": nothing, "choices": [{"message": {"content": "x" * 70}}]}
    assert count(document) == Tokens(input=10, output=20, estimated=True)


def test_a_streams_estimate_counts_its_text_not_its_framing() -> None:
    chat = {"id": "x" * 100, "choices": [{"delta": {"content": "1234567"}}]}
    assert count(*[chat] * 10, part=True).output == 20
    responses = {"type": "response.output_text.delta", "item_id": "x" * 100, "delta": "1234567"}
    assert count(*[responses] * 10, part=True).output == 20


@calm
@given(st.dictionaries(st.sampled_from(["usage", "response", "delta", "choices"]), JSON), st.booleans())
def test_no_document_can_break_the_count(document: dict[str, Any], part: bool) -> None:
    tokens = count(document, part=part)
    assert tokens.input >= 0
    assert tokens.output >= 0
