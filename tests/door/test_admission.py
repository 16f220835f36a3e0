"""What of a call's body goes on: for every API the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithy_local.door import anthropic_api, openai_api
from pithy_local.door.admission import Admitted, Judge, admit
from pithy_local.door.answers import Refusal
from pithy_local.door.content import MAX_PARTS
from pithy_local.door.upstream import Upstream
from tests.door.harness import CLAUDE, MODEL, calm

OPENAI = Upstream("openai", "", "k", frozenset({MODEL}))
COMPATIBLE = Upstream("openai", "http://127.0.0.1:9/v1", "k", frozenset({"llama-3"}))
ANTHROPIC = Upstream("anthropic", "", "k", frozenset({CLAUDE}))
JUDGES: dict[str, tuple[Judge, Upstream, dict[str, Any]]] = {
    "chat": (openai_api.chat, OPENAI, {"messages": [{"role": "user", "content": "hi"}]}),
    "compatible": (openai_api.chat, COMPATIBLE, {"messages": [{"role": "user", "content": "hi"}]}),
    "response": (openai_api.response, OPENAI, {"input": "hi"}),
    "embedding": (openai_api.embedding, OPENAI, {"input": "hi"}),
    "message": (anthropic_api.message, ANTHROPIC, {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}),
    "count": (anthropic_api.token_count, ANTHROPIC, {"messages": [{"role": "user", "content": "hi"}]}),
}
APIS = pytest.mark.parametrize("api", JUDGES)


def let_in(api: str, **changes: Any) -> tuple[Admitted, dict[str, Any]]:
    """The body as it goes on, of a good call with `changes`."""
    judge, upstream, body = JUDGES[api]
    [model] = upstream.models
    admitted = admit("/path", json.dumps({"model": model, **body, **changes}).encode(), judge, upstream)
    return admitted, json.loads(admitted.body)


def refused(api: str, **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        let_in(api, **changes)
    return caught.value


@APIS
@pytest.mark.parametrize("model", ["o1-pro", "", None, 5, ["gpt-4o"], {"gpt-4o": 1}, True])
def test_another_model_is_refused(api: str, model: Any) -> None:
    refusal = refused(api, model=model)
    assert (refusal.status, refusal.code) == (403, "pithy_refused")


@APIS
def test_a_field_that_nobody_listed_stays_behind(api: str) -> None:
    _, body = let_in(
        api, service_tier="priority", n=5, best_of=9, extra={"url": "https://example.org"}, betas=["x"], speed="fast",
        context_management={}, metadata={"a": "b"} if api != "message" else None,
    )  # fmt: skip
    assert set(body) - {"model", "messages", "input", "max_tokens", "max_completion_tokens", "max_output_tokens"} <= {
        "store", "metadata"
    }  # fmt: skip


@APIS
def test_of_two_equal_keys_one_is_judged_and_sent(api: str) -> None:
    judge, upstream, body = JUDGES[api]
    [model] = upstream.models
    rest = json.dumps(body)[1:]
    sent = admit("/path", b'{"model": "o1-pro", "model": "%s", %s' % (model.encode(), rest.encode()), judge, upstream)
    assert b"o1-pro" not in sent.body
    with pytest.raises(Refusal):
        admit("/path", b'{"model": "%s", "model": "o1-pro", %s' % (model.encode(), rest.encode()), judge, upstream)


@APIS
@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_deep_nesting_is_judged_or_refused_but_never_a_crash(api: str, depth: int) -> None:
    judge, upstream, _ = JUDGES[api]
    [model] = upstream.models
    key = "input" if api in ("response", "embedding") else "messages"
    address = b'{"image_url": "https://example.org"}'
    body = b'{"model": "%s", "%s": %s%s%s}' % (model.encode(), key.encode(), b"[" * depth, address, b"]" * depth)
    with pytest.raises(Refusal) as caught:
        admit("/path", body, judge, upstream)
    assert caught.value.status in (400, 403)


@pytest.mark.parametrize("api", ["chat", "response", "message", "count"])
@pytest.mark.parametrize("filler", [b"[]", b'{"role":"user","content":"x"}'])
def test_what_would_take_long_to_judge_is_refused(api: str, filler: bytes) -> None:
    judge, upstream, _ = JUDGES[api]
    [model] = upstream.models
    key = "input" if api == "response" else "messages"
    many = b",".join([filler] * (MAX_PARTS + 1))
    body = b'{"model": "%s", "%s": [{"role": "user", "content": [%s]}]}' % (model.encode(), key.encode(), many)
    with pytest.raises(Refusal, match="values"):
        admit("/path", body, judge, upstream)


@APIS
@pytest.mark.parametrize("stream", ["yes", 1, 0, [], {}])
def test_stream_is_true_or_false(api: str, stream: Any) -> None:
    if api in ("embedding", "count"):
        assert "stream" not in let_in(api, stream=stream)[1]
    else:
        assert refused(api, stream=stream).status == 400


@pytest.mark.parametrize(
    ("api", "field"),
    [
        ("chat", "max_tokens"),
        ("chat", "max_completion_tokens"),
        ("compatible", "max_tokens"),
        ("response", "max_output_tokens"),
        ("message", "max_tokens"),
    ],
)
class TestTheOutputLimit:
    def test_is_held_to_the_models(self, api: str, field: str) -> None:
        most = {"compatible": 8_192, "message": 128_000}.get(api, 16_384)
        admitted, body = let_in(api, **{field: 10**12})
        assert (body[field], admitted.output_tokens, admitted.bounded) == (most, most, True)

    def test_below_it_stays_as_it_is_and_is_what_is_reserved(self, api: str, field: str) -> None:
        admitted, body = let_in(api, **{field: 50})
        assert (body[field], admitted.output_tokens, admitted.bounded) == (50, 50, True)

    @pytest.mark.parametrize("wrong", [0, -1, 1.5, 50.0, "50", True, [50], {}])
    def test_is_a_number(self, api: str, field: str, wrong: Any) -> None:
        refusal = refused(api, **{field: wrong})
        assert (refusal.status, field in refusal.message) == (400, True)


@pytest.mark.parametrize(
    ("api", "field", "most"),
    [("chat", "max_completion_tokens", 16_384), ("response", "max_output_tokens", 16_384)],
)
def test_a_missing_output_limit_is_put_in_at_the_providers_own_server(api: str, field: str, most: int) -> None:
    for changes in ({}, {field: None}):
        admitted, body = let_in(api, **changes)
        assert (body[field], admitted.output_tokens, admitted.bounded) == (most, most, True)


def test_anthropics_output_limit_is_put_in_where_it_is_missing() -> None:
    judge, upstream, _ = JUDGES["message"]
    admitted = admit("/path", json.dumps({"model": CLAUDE, "messages": []}).encode(), judge, upstream)
    assert json.loads(admitted.body)["max_tokens"] == admitted.output_tokens == 128_000


def test_a_compatible_server_gets_no_limit_that_it_may_not_take_but_it_is_reserved() -> None:
    admitted, body = let_in("compatible")
    assert not {"max_tokens", "max_completion_tokens"} & set(body)
    assert (admitted.output_tokens, admitted.bounded) == (8_192, False)


def test_of_two_output_limits_the_larger_is_reserved() -> None:
    assert let_in("chat", max_tokens=10, max_completion_tokens=20)[0].output_tokens == 20


@pytest.mark.parametrize("api", ["embedding", "count"])
def test_what_writes_nothing_reserves_no_output(api: str) -> None:
    assert let_in(api)[0].output_tokens == 0


def test_the_input_is_estimated_by_the_body_as_it_is_sent() -> None:
    admitted, _ = let_in("message", system="x" * 3500, dropped="y" * 100_000)
    ask = admitted.ask("anthropic")
    assert (ask.provider, ask.model, ask.output_tokens) == ("anthropic", CLAUDE, 9)
    assert 1000 < ask.input_tokens < 1050


def outcome(api: str, **changes: Any) -> dict[str, Any] | Refusal:
    try:
        return let_in(api, **changes)[1]
    except Refusal as refusal:
        return refusal


KEYS = st.sampled_from([
    "type", "content", "text", "url", "image_url", "file_id", "source", "data", "input", "tools", "role", "file_url",
    "output", "audio", "action", "arguments", "uri", "x",
])  # fmt: skip
WORDS = st.sampled_from([
    "https://leak.example.org/x", "HTTP://leak.example.org", " ftp://leak.example.org", "data:image/png;base64,AA==",
    "text", "image_url", "input_image", "image", "url", "base64", "tool_result", "message", "user", "hello", "file-1",
])  # fmt: skip
CONTENT = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
ADDRESS_FIELDS = ("url", "image_url", "file_url", "uri")


@calm
@given(st.sampled_from(["chat", "response", "message", "count"]), CONTENT)
def test_no_content_gets_an_address_through(api: str, content: Any) -> None:
    field = "input" if api == "response" else "messages"
    judged = outcome(api, **{field: content})
    if isinstance(judged, Refusal):
        assert judged.status in (400, 403)
    else:
        assert_inline(judged[field])


def assert_inline(value: Any) -> None:
    """No field that an API reads an address or a stored file from holds one."""
    if isinstance(value, list):
        for item in value:
            assert_inline(item)
    elif isinstance(value, dict):
        assert value.get("type") not in ("url", "file_search", "web_search")
        opaque = value.get("type") in ("tool_use", "local_shell_call", "shell_call", "computer_call", "function")
        for key, inner in value.items():
            assert key != "file_id" or inner is None
            assert key not in ADDRESS_FIELDS or not isinstance(inner, str) or inner.lower().startswith("data:")
            if not opaque:
                assert_inline(inner)


@calm
@given(st.sampled_from(list(JUDGES)), st.dictionaries(st.text(max_size=5) | KEYS, CONTENT, max_size=5))
def test_whatever_is_sent_is_judged_or_refused(api: str, changes: dict[str, Any]) -> None:
    judged = outcome(api, **changes)
    if isinstance(judged, Refusal):
        assert judged.status in (400, 403)
    else:
        assert judged["model"] in JUDGES[api][1].models
