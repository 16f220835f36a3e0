"""The fake model's other API, driven by the real Anthropic SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic

from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import (
    Reply,
    context_exceeded,
    cut,
    hang,
    nonsense,
    out_of_quota,
    overloaded,
    rate_limited,
    server_error,
    truncated,
    unauthorized,
)
from tests.support import wait_until

KEY = "sk-ant-canary"
MODEL = "claude-sonnet-5-5"


@pytest.fixture
def fake() -> Iterator[FakeModel]:
    with FakeModel(key=KEY) as server:
        yield server


@pytest.fixture
def client(fake: FakeModel) -> Iterator[Anthropic]:
    with make_client(fake) as made:
        yield made


def make_client(fake: FakeModel, key: str = KEY, timeout: float = 30.0) -> Anthropic:
    return Anthropic(api_key=key, base_url=fake.anthropic_url, max_retries=0, timeout=timeout)


def ask(client: Anthropic, prompt: str = "hello", **options: Any) -> Any:
    given: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": prompt}]}
    return client.messages.create(**given | options)


def test_a_message_comes_with_the_usage_set(fake: FakeModel, client: Anthropic) -> None:
    fake.push(Reply(text="hi", prompt_tokens=50, completion_tokens=7, cached_tokens=20, cache_write_tokens=5))
    answer = ask(client)
    assert [block.text for block in answer.content] == ["hi"]
    assert (answer.role, answer.model, answer.stop_reason) == ("assistant", MODEL, "end_turn")
    usage = answer.usage
    assert (usage.input_tokens, usage.output_tokens) == (25, 7)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (20, 5)
    assert fake.violations == []


def test_calls_are_recorded_with_their_system_prompt(fake: FakeModel, client: Anthropic) -> None:
    fake.push("x")
    ask(client, "what is in a.txt?", system="be brief")
    [call] = fake.completions
    assert (call.path, call.prompt) == ("/v1/messages", "be brief\nwhat is in a.txt?")
    assert call.headers["authorization"] == f"Bearer {KEY}"


def test_a_stream_has_anthropic_s_events_in_their_order(fake: FakeModel, client: Anthropic) -> None:
    text = "A longer answer\nover two lines, with ünïcödé."
    fake.push(Reply(text=text, prompt_tokens=11, completion_tokens=9))
    events = list(ask(client, stream=True))
    kinds = [event.type for event in events]
    assert kinds == [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
        "message_delta", "message_stop",
    ]  # fmt: skip
    assert "".join(event.delta.text for event in events if event.type == "content_block_delta") == text
    assert events[0].message.usage.input_tokens == 11
    assert (events[-2].usage.output_tokens, events[-2].delta.stop_reason) == (9, "end_turn")


def test_the_sdk_s_own_stream_helper_understands_it(fake: FakeModel, client: Anthropic) -> None:
    fake.push(Reply(text="abc", pieces=("a", "bc"), completion_tokens=9, finish_reason="length"))
    with client.messages.stream(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "hello"}]
    ) as running:
        assert list(running.text_stream) == ["a", "bc"]
        message = running.get_final_message()
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 9)


def test_truncation_has_anthropic_s_word(fake: FakeModel, client: Anthropic) -> None:
    fake.push(truncated())
    assert ask(client).stop_reason == "max_tokens"


def test_usage_can_be_left_out(fake: FakeModel, client: Anthropic) -> None:
    fake.push(Reply(text="x", reports_usage=False), Reply(text="x", reports_usage=False))
    assert getattr(ask(client), "usage", None) is None
    raw = [event.model_dump() for event in ask(client, stream=True)]
    assert "output_tokens" not in str(raw)


def test_tokens_are_counted_and_models_listed_without_the_script(fake: FakeModel, client: Anthropic) -> None:
    counted = client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "hello"}])
    assert counted.input_tokens > 10
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-9")
    assert (fake.completions, fake.violations) == ([], [])


@pytest.mark.parametrize(
    ("reply", "kind", "word"),
    [
        (unauthorized(), anthropic.AuthenticationError, "authentication_error"),
        (rate_limited(7), anthropic.RateLimitError, "rate_limit_error"),
        (out_of_quota(), anthropic.RateLimitError, "rate_limit_error"),
        (server_error(), anthropic.InternalServerError, "api_error"),
        (overloaded(), anthropic.APIStatusError, "overloaded_error"),
        (context_exceeded(), anthropic.BadRequestError, "invalid_request_error"),
    ],
)
def test_errors_have_anthropic_s_shape(
    fake: FakeModel, client: Anthropic, reply: Reply, kind: type[anthropic.APIStatusError], word: str
) -> None:
    fake.push(reply, reply)
    with pytest.raises(kind) as caught:
        ask(client)
    assert (caught.value.status_code, caught.value.type) == (reply.status, word)
    assert caught.value.request_id == "req_00000001"
    with pytest.raises(kind):
        ask(client, stream=True)


def test_an_empty_account_is_told_by_its_code(fake: FakeModel, client: Anthropic) -> None:
    fake.push(out_of_quota())
    with pytest.raises(anthropic.RateLimitError) as caught:
        ask(client)
    assert caught.value.error_code == "enforced_spend_limit_reached"


def test_a_rate_limit_says_when_to_come_again(fake: FakeModel, client: Anthropic) -> None:
    fake.push(rate_limited("Wed, 21 Oct 2026 07:28:00 GMT", ms=1500))
    with pytest.raises(anthropic.RateLimitError) as caught:
        ask(client)
    headers = caught.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("Wed, 21 Oct 2026 07:28:00 GMT", "1500")


def test_a_wrong_key_is_refused_and_recorded(fake: FakeModel) -> None:
    with make_client(fake, "sk-wrong") as client, pytest.raises(anthropic.AuthenticationError):
        ask(client)
    assert (len(fake.completions), fake.violations) == (1, [])


def test_a_hanging_model_runs_into_the_client_s_timeout(fake: FakeModel) -> None:
    fake.push(hang())
    with make_client(fake, timeout=0.3) as client, pytest.raises(anthropic.APITimeoutError):
        ask(client)
    wait_until(lambda: fake.aborted == 1)


def test_a_stream_may_stall_or_be_cut(fake: FakeModel, client: Anthropic) -> None:
    gate = Gate()
    fake.push(Reply(text="abc", pieces=("a", "b", "c"), gate=gate, stall_after=1), cut(after=1))
    with ask(client, stream=True) as events:
        assert [next(events).type for _ in range(3)] == ["message_start", "content_block_start", "content_block_delta"]
        assert gate.reached.wait(60)
        gate.release()
        assert "".join(event.delta.text for event in events if event.type == "content_block_delta") == "bc"
    with pytest.raises((anthropic.APIConnectionError, httpx2.HTTPError)):
        list(ask(client, stream=True))


def test_nonsense_is_sent_as_it_is(fake: FakeModel) -> None:
    fake.push(nonsense())
    answer = post(fake)
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty content"),
        ({"stream_options": {}}, "stream_options: Extra inputs are not permitted"),
        ({"model": 5}, "model: Field required"),
        ({"temperature": 0.0}, "temperature: Extra inputs are not permitted"),
    ],
)
def test_a_malformed_request_is_refused_and_a_violation(fake: FakeModel, changes: dict[str, Any], words: str) -> None:
    answer = post(fake, **changes)
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    assert words in answer.json()["error"]["message"]
    assert len(fake.violations) == 1


def test_the_version_header_is_needed(fake: FakeModel) -> None:
    url = f"{fake.anthropic_url}/v1/messages"
    answer = httpx2.post(url, json={}, headers={"x-api-key": KEY}, trust_env=False)
    assert (answer.status_code, "anthropic-version" in answer.json()["error"]["message"]) == (400, True)


def test_an_unknown_model_or_endpoint_is_not_found(fake: FakeModel, client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        ask(client, model="claude-9")
    assert (caught.value.type, fake.violations) == ("not_found_error", [])
    assert post(fake, "/v1/messages/batches").status_code == 404
    assert fake.violations == ["Invalid URL (POST /v1/messages/batches)"]


def test_the_older_version_takes_the_sampling_parameters_and_the_older_header(fake: FakeModel) -> None:
    fake.push("hi")
    assert post(fake, version="2023-06-01", temperature=0.0).status_code == 200


def post(fake: FakeModel, path: str = "/v1/messages", version: str = "2026-10-21", **changes: Any) -> httpx2.Response:
    """A request the SDK would not make, or an answer it would not show."""
    body = {"model": MODEL, "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]} | changes
    headers = {"x-api-key": KEY, "anthropic-version": version}
    return httpx2.post(f"{fake.anthropic_url}{path}", json=body, headers=headers, trust_env=False)
