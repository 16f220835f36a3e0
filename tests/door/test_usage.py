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


def count(*documents: dict[str, Any], sent: int = 35, part: bool = False) -> Tokens:
    meter = Meter(sent)
    for document in documents:
        meter.see(document, part=part)
    return meter.count()


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
