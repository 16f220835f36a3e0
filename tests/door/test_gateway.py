"""The gateway as the real SDK meets it, in front of a model server on loopback."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

import openai
import pytest

from pithy_local.door.gateway import Gateway, Upstream
from pithy_local.door.loop import EventLoop
from pithy_local.errors import UsageError
from tests.door.harness import (
    CANARY,
    MODEL,
    TOKEN,
    Recorded,
    ask,
    ask_streaming,
    chat,
    error_code,
    make_gateway,
    request,
    sdk,
    served,
)
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import ApiError, Reply

URL = str


@pytest.fixture
def gateway(model: FakeModel, recorded: Recorded) -> Gateway:
    return make_gateway(model.base_url, recorded)


@pytest.fixture
def url(loop: EventLoop, gateway: Gateway) -> Iterator[URL]:
    with served(loop, gateway) as address:
        yield address


def test_a_completion_reaches_the_model_with_the_real_key(url: URL, model: FakeModel) -> None:
    model.push("done")
    with sdk(url) as client:
        assert ask(client) == "done"
    assert model.calls[0].headers["authorization"] == f"Bearer {CANARY}"


def test_usage_is_what_the_server_reported(url: URL, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="done", prompt_tokens=123, completion_tokens=45))
    with sdk(url) as client:
        ask(client)
    (call,) = recorded.calls
    assert (call.provider, call.model, call.status) == ("openai", MODEL, 200)
    assert (call.input_tokens, call.output_tokens, call.estimated) == (123, 45, False)


def test_a_stream_is_asked_for_its_usage_and_counted(url: URL, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="streamed words " * 20, prompt_tokens=70, completion_tokens=60))
    with sdk(url) as client:
        assert ask_streaming(client) == "streamed words " * 20
    (call,) = recorded.calls
    assert (call.input_tokens, call.output_tokens, call.estimated) == (70, 60, False)


def test_responses_are_counted(url: URL, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="done", prompt_tokens=8, completion_tokens=9))
    with sdk(url) as client:
        assert client.responses.create(model=MODEL, input="hi").output_text == "done"
    (call,) = recorded.calls
    assert (call.input_tokens, call.output_tokens) == (8, 9)


@pytest.mark.parametrize("streamed", [False, True])
def test_unreported_usage_is_estimated_and_marked(
    url: URL, model: FakeModel, recorded: Recorded, streamed: bool
) -> None:
    model.push(Reply(text="x" * 700, reports_usage=False))
    with sdk(url) as client:
        (ask_streaming if streamed else ask)(client, "y" * 3500)
    (call,) = recorded.calls
    assert call.estimated
    assert 1000 <= call.input_tokens < 1100
    assert 200 <= call.output_tokens < 250


def test_the_list_of_models_passes_and_is_no_call(url: URL, recorded: Recorded) -> None:
    with sdk(url) as client:
        assert MODEL in [found.id for found in client.models.list()]
    assert recorded.calls == []


def test_another_model_is_refused(url: URL, model: FakeModel) -> None:
    with sdk(url) as client, pytest.raises(openai.PermissionDeniedError) as refused:
        ask(client, model="o1-pro")
    assert refused.value.code == "pithy_refused"
    assert model.calls == []


def test_a_second_model_key_does_not_reach_the_upstream(url: URL, model: FakeModel) -> None:
    model.push("done")
    body = b'{"model": "o1-pro", "messages": [{"role": "user", "content": "hi"}], "model": "gpt-4o"}'
    assert request(url, "POST", "/openai/v1/chat/completions", body)[0] == 200
    assert b"o1-pro" not in model.calls[0].body


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"[" * 100_000, b'{"model": NaN}', b"\xff\xfe", b'"gpt-4o"'])
def test_a_body_that_is_no_object_is_refused(url: URL, model: FakeModel, body: bytes) -> None:
    assert request(url, "POST", "/openai/v1/chat/completions", body)[0] == 400
    assert model.calls == []


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/openai/v1/chat/completions"),
        ("POST", "/openai/v1/files"),
        ("POST", "/openai/v1/models"),
        ("DELETE", "/openai/v1/models"),
        ("GET", "/openai/v1/models/gpt-4o"),
        ("POST", "/openai/v1/chat/completions/"),
        ("POST", "/openai/v1//chat/completions"),
        ("POST", "/openai/v1/chat/../chat/completions"),
        ("POST", "/openai/v1/%63hat/completions"),
        ("POST", "/openai/v1/chat%2Fcompletions"),
        ("POST", "/openai/v1/chat/completions?api-version=1"),
        ("POST", "http://example.org/openai/v1/chat/completions"),
        ("POST", "/anthropic/v1/messages"),
        ("GET", "/"),
        ("GET", "*"),
    ],
)
def test_any_other_address_is_refused(url: URL, model: FakeModel, method: str, target: str) -> None:
    status, _, body = request(url, method, target, chat())
    assert status in (403, 404)
    assert error_code(body) == "pithy_refused"
    assert model.calls == []


def test_what_the_sandbox_puts_into_headers_stays_behind(url: URL, model: FakeModel) -> None:
    model.push("done")
    evil = {"Cookie": "a=b", "X-Api-Key": "k", "OpenAI-Organization": "o", "Proxy-Authorization": "p", "X-Leak": "l"}
    request(url, "POST", "/openai/v1/chat/completions", chat(), evil)
    assert not {name.lower() for name in evil} & set(model.calls[0].headers)
    assert TOKEN not in str(model.calls[0].headers)


def test_cookies_and_account_headers_do_not_come_back(url: URL, model: FakeModel) -> None:
    headers = {"Set-Cookie": "session=1", "openai-organization": "acme", "x-ratelimit-remaining-tokens": "7"}
    model.push(Reply(text="one", headers=headers), "two")
    _, first, _ = request(url, "POST", "/openai/v1/chat/completions", chat())
    request(url, "POST", "/openai/v1/chat/completions", chat())
    assert not {"set-cookie", "openai-organization"} & set(first)
    assert first["x-ratelimit-remaining-tokens"] == "7"
    assert "cookie" not in model.calls[1].headers


@pytest.mark.parametrize(
    "echo",
    [
        Reply(status=401, error=ApiError(message=f"Incorrect key: {CANARY}", type="invalid_request_error")),
        Reply(status=500, raw=f"<h1>Bearer {CANARY}</h1>".encode()),
        Reply(raw=f"Bearer {CANARY}".encode()),
        Reply(text=f"your key is {CANARY}"),
        Reply(text="fine", headers={"x-request-id": CANARY}),
    ],
    ids=["error", "error page", "nonsense", "text", "header"],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_an_echoed_key_is_masked_everywhere(
    url: URL,
    gateway: Gateway,
    model: FakeModel,
    recorded: Recorded,
    caplog: pytest.LogCaptureFixture,
    echo: Reply,
    streamed: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    model.push(echo)
    answer = request(url, "POST", "/openai/v1/chat/completions", chat(stream=streamed))
    seen = [answer, gateway.failure, recorded.calls, gateway, vars(gateway), caplog.text]
    assert CANARY not in repr(seen)
    assert model.calls[0].headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize("token", ["", "wrong", CANARY])
def test_without_the_attempts_token_nothing_is_answered(url: URL, model: FakeModel, token: str) -> None:
    for method, target in (("POST", "/openai/v1/chat/completions"), ("POST", "/host/event"), ("GET", "/")):
        status, _, _ = request(url, method, target, chat(), {"Authorization": f"Bearer {token}"})
        assert status == 401
    assert model.calls == []


def test_a_body_over_the_cap_is_refused_and_the_next_call_works(url: URL, model: FakeModel) -> None:
    model.push("done")
    with sdk(url) as client:
        with pytest.raises(openai.APIStatusError) as refused:
            ask(client, "x" * (8 * 1024 * 1024))
        assert refused.value.status_code == 413
        assert ask(client) == "done"
    assert len(model.calls) == 1


def test_a_chunked_body_over_the_cap_is_refused(url: URL, model: FakeModel) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    portions = iter([b"x" * 1024 * 1024] * 9)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    connection.request("POST", "/openai/v1/chat/completions", portions, headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert model.calls == []


def test_a_scripted_task_may_call_no_model(loop: EventLoop, recorded: Recorded) -> None:
    gateway = make_gateway(None, recorded)
    with served(loop, gateway) as address:
        status, _, body = request(address, "POST", "/openai/v1/chat/completions", chat())
    assert (status, error_code(body)) == (403, "pithy_refused")


def test_spent_tokens_refuse_the_next_call(url: URL, gateway: Gateway, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="done", prompt_tokens=60, completion_tokens=50))
    recorded.ledger.limit = 100
    with sdk(url) as client:
        ask_streaming(client)
        with pytest.raises(openai.APIStatusError) as refused:
            ask(client)
    assert (refused.value.status_code, refused.value.code) == (402, "token_limit")
    assert gateway.failure is not None
    assert gateway.failure.code == "token_limit"
    assert (len(model.calls), len(recorded.calls)) == (1, 1)


def test_a_base_url_keeps_its_path_and_loses_its_slash(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push("done")
    gateway = make_gateway(f" {model.base_url}/ ", recorded)
    with served(loop, gateway) as address, sdk(address) as client:
        assert ask(client) == "done"
    assert model.calls[0].path == "/v1/chat/completions"


def test_an_empty_base_url_is_the_providers_own() -> None:
    assert Upstream("openai", "", "k", frozenset()).base_url == "https://api.openai.com/v1"
    assert Upstream("anthropic", "", "k", frozenset()).base_url == "https://api.anthropic.com"


@pytest.mark.parametrize("wrong", ["api.example.org/v1", "ftp://example.org", "http://", "https://e.org/v1?key=1"])
def test_a_base_url_that_is_none_is_an_error(wrong: str) -> None:
    with pytest.raises(UsageError):
        Upstream("openai", wrong, "k", frozenset())


def test_the_key_is_in_no_repr() -> None:
    assert CANARY not in repr(Upstream("openai", "", CANARY, frozenset()))


def test_without_a_key_none_is_sent(loop: EventLoop, recorded: Recorded) -> None:
    with FakeModel() as model:
        with served(loop, make_gateway(model.base_url, recorded, key="")) as address:
            request(address, "POST", "/openai/v1/chat/completions", chat())
        assert "authorization" not in model.calls[0].headers
