"""The fake model, driven by the real OpenAI SDK."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import (
    Reply,
    context_exceeded,
    cut,
    flood,
    hang,
    nonsense,
    out_of_quota,
    rate_limited,
    server_error,
    unauthorized,
)
from tests.support import wait_until

KEY = "sk-canary"


@pytest.fixture
def fake() -> Iterator[FakeModel]:
    with FakeModel(key=KEY) as server:
        yield server


@pytest.fixture
def client(fake: FakeModel) -> Iterator[OpenAI]:
    with make_client(fake) as made:
        yield made


def make_client(fake: FakeModel, key: str = KEY, timeout: float = 30.0) -> OpenAI:
    return OpenAI(api_key=key, base_url=fake.base_url, max_retries=0, timeout=timeout)


def ask(client: OpenAI, prompt: str = "hello", model: str = "gpt-4o") -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}])


def stream(client: OpenAI, **options: Any) -> Any:
    messages: Any = [{"role": "user", "content": "hello"}]
    return client.chat.completions.create(model="gpt-4o", messages=messages, stream=True, **options)


def test_replies_come_in_order_with_the_usage_set(fake: FakeModel, client: OpenAI) -> None:
    fake.push(
        "first", Reply(text="second", finish_reason="length", prompt_tokens=7, completion_tokens=3, cached_tokens=2)
    )
    first, second = ask(client), ask(client)
    assert first.choices[0].message.content == "first"
    assert (second.choices[0].message.content, second.choices[0].finish_reason) == ("second", "length")
    assert (second.usage.prompt_tokens, second.usage.completion_tokens, second.usage.total_tokens) == (7, 3, 10)
    assert second.usage.prompt_tokens_details.cached_tokens == 2
    assert fake.violations == []


def test_calls_are_recorded_as_they_came(fake: FakeModel, client: OpenAI) -> None:
    fake.push("x")
    ask(client, "what is in a.txt?")
    [call] = fake.completions
    assert (call.path, call.prompt, call.data["model"]) == ("/v1/chat/completions", "what is in a.txt?", "gpt-4o")
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert b"what is in a.txt?" in call.body


def test_a_function_may_decide_from_the_request() -> None:
    def decide(body: dict[str, Any]) -> Reply | str:
        return f"you said {body['messages'][-1]['content']}"

    with FakeModel(decide, key=KEY) as fake, make_client(fake) as client, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: ask(client, f"number {n}").choices[0].message.content, range(8)))
    assert answers == [f"you said number {n}" for n in range(8)]


def test_a_stream_carries_the_text_in_pieces_and_usage_only_when_asked(fake: FakeModel, client: OpenAI) -> None:
    text = "A longer answer\nover two lines, with ünïcödé."
    fake.push(Reply(text=text), Reply(text=text, prompt_tokens=11, completion_tokens=9))
    plain = list(stream(client))
    counted = list(stream(client, stream_options={"include_usage": True}))
    for chunks in (plain, counted):
        pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
        assert ("".join(pieces), len([p for p in pieces if p])) == (text, 2)
    assert all(c.usage is None for c in plain)
    assert [c.usage.total_tokens for c in counted if c.usage] == [20]
    assert counted[-1].choices == []
    assert plain[-1].choices[0].finish_reason == "stop"


def test_pieces_and_missing_usage_can_be_set(fake: FakeModel, client: OpenAI) -> None:
    fake.push(Reply(text="abc", pieces=("a", "bc"), reports_usage=False), Reply(text="x", reports_usage=False))
    chunks = list(stream(client, stream_options={"include_usage": True}))
    assert [c.choices[0].delta.content for c in chunks if c.choices][1:3] == ["a", "bc"]
    assert all(c.usage is None for c in chunks)
    assert ask(client).usage is None


def test_the_responses_endpoint_answers_whole(fake: FakeModel, client: OpenAI) -> None:
    fake.push(Reply(text="hi", prompt_tokens=3, completion_tokens=4))
    answer = client.responses.create(model="gpt-4o", input="hello")
    assert (answer.output_text, answer.status) == ("hi", "completed")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (3, 4, 7)


def test_models_are_listed_and_looked_up(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()][:2] == ["gpt-4o", "gpt-4o-mini"]
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def test_a_wrong_key_is_refused_and_recorded(fake: FakeModel) -> None:
    with make_client(fake, "sk-wrong") as client, pytest.raises(openai.AuthenticationError) as caught:
        ask(client)
    assert caught.value.code == "invalid_api_key"
    assert (len(fake.completions), fake.violations) == (1, [])


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (unauthorized(), openai.AuthenticationError, "invalid_api_key"),
        (rate_limited(7), openai.RateLimitError, "rate_limit_exceeded"),
        (out_of_quota(), openai.RateLimitError, "insufficient_quota"),
        (server_error(), openai.InternalServerError, None),
        (server_error(503), openai.InternalServerError, None),
        (context_exceeded(), openai.BadRequestError, "context_length_exceeded"),
    ],
)
def test_errors_have_openai_s_shape(
    fake: FakeModel, client: OpenAI, reply: Reply, kind: type[openai.APIStatusError], code: str | None
) -> None:
    fake.push(reply, reply)
    with pytest.raises(kind) as caught:
        ask(client)
    assert (caught.value.status_code, caught.value.code) == (reply.status, code)
    with pytest.raises(kind):
        stream(client)


def test_a_rate_limit_says_when_to_come_again(fake: FakeModel, client: OpenAI) -> None:
    fake.push(rate_limited(7))
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    assert caught.value.response.headers["retry-after"] == "7"


def test_a_hanging_model_runs_into_the_client_s_timeout(fake: FakeModel) -> None:
    fake.push(hang())
    with make_client(fake, timeout=0.3) as client, pytest.raises(openai.APITimeoutError):
        ask(client)
    assert len(fake.completions) == 1
    wait_until(lambda: fake.aborted == 1)


def test_a_hanging_model_answers_once_released(fake: FakeModel, client: OpenAI) -> None:
    gate = Gate()
    fake.push(hang(gate))
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(ask, client)
        assert gate.reached.wait(60)
        gate.release()
        assert pending.result(60).choices[0].message.content == "late"


def test_stop_ends_a_hanging_request() -> None:
    reply = hang()
    assert reply.gate is not None
    fake = FakeModel([reply, Reply(text="x", delay=3000)], key=KEY).start()
    with make_client(fake) as client, ThreadPoolExecutor(2) as pool:
        pending = [pool.submit(ask, client), pool.submit(ask, client)]
        wait_until(lambda: len(fake.completions) == 2)
        fake.stop()
        assert all(isinstance(job.exception(60), openai.APIConnectionError) for job in pending)
    assert fake.aborted == 0


def test_a_stream_may_stall_in_the_middle(fake: FakeModel, client: OpenAI) -> None:
    gate = Gate()
    fake.push(Reply(text="abc", pieces=("a", "b", "c"), gate=gate, stall_after=1))
    with stream(client) as events:
        taken = [next(events).choices[0].delta.content for _ in range(2)]
        assert (taken, gate.reached.wait(60)) == (["", "a"], True)
        gate.release()
        assert [e.choices[0].delta.content for e in events] == ["b", "c", None]


def test_a_cut_answer_is_a_broken_connection(fake: FakeModel, client: OpenAI) -> None:
    fake.push(cut(), cut(after=1))
    with pytest.raises(openai.APIConnectionError):
        ask(client)
    received: list[Any] = []
    with pytest.raises(openai.APIConnectionError):
        take(stream(client), received)
    assert len(received) == 2


def test_nonsense_is_sent_as_it_is(fake: FakeModel) -> None:
    fake.push(nonsense())
    answer = post(fake)
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")


def test_a_flood_is_as_long_as_asked(fake: FakeModel) -> None:
    fake.push(flood(1_000_000))
    answer = post(fake)
    assert (len(answer.content), "content-length" in answer.headers) == (1_000_000, False)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"messages": [{"role": "user", "content": "x"}]}, 400, "you must provide a model"),
        ({"model": "gpt-4o"}, 400, "Missing required parameter: 'messages'"),
        ({"model": "gpt-4o", "messages": ["hello"]}, 400, "every message needs a role"),
        ({"model": "gpt-4o", "messages": "hello"}, 400, "Invalid type for 'messages'"),
        ({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "stream_options": {}}, 400, "stream"),
    ],
)
def test_a_malformed_request_is_refused_and_a_violation(
    fake: FakeModel, body: dict[str, Any], status: int, words: str
) -> None:
    answer = post(fake, body)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
    assert len(fake.violations) == 1


def test_an_unknown_model_or_endpoint_is_not_found(fake: FakeModel, client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, model="gpt-9")
    assert (caught.value.code, fake.violations) == ("model_not_found", [])
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(model="gpt-4o", input="x")
    assert fake.violations == ["Invalid URL (POST /v1/moderations)"]


def test_embeddings_are_made_without_the_script(fake: FakeModel, client: OpenAI) -> None:
    answer = client.embeddings.create(model="gpt-4o", input=["one", "two"])
    assert [item.embedding for item in answer.data] == [[0.0, 1.0]] * 2
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0
    assert (fake.completions, fake.violations) == ([], [])


def test_an_exhausted_script_is_told(fake: FakeModel, client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError, match="the script has no reply left"):
        ask(client)
    assert fake.violations == ["the script has no reply left"]


def take(events: Any, into: list[Any]) -> None:
    """Move events one by one, so that those before a broken connection are kept."""
    for event in events:
        into.append(event)


def post(fake: FakeModel, body: dict[str, Any] | None = None) -> httpx2.Response:
    """A request the SDK would not make, or an answer it would not show."""
    data = body or {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
    url = f"{fake.base_url}/chat/completions"
    return httpx2.post(url, json=data, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False)
