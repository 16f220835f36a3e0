"""The gateway's other upstream, as the real Anthropic SDK meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import anthropic
import openai
import pytest

from pithy_local.door.gateway import Gateway
from pithy_local.door.loop import EventLoop
from tests.door.harness import (
    CANARY,
    CLAUDE,
    MODEL,
    TOKEN,
    Recorded,
    ask,
    ask_claude,
    ask_claude_streaming,
    chat,
    claude_sdk,
    error_code,
    make_gateway,
    message,
    request,
    sdk,
    served,
)
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import wait_until

MESSAGES = "/anthropic/v1/messages"
Asking = Callable[..., str]


@pytest.fixture
def gateway(model: FakeModel, recorded: Recorded) -> Gateway:
    return make_gateway(model.base_url, recorded, claude_url=model.anthropic_url)


@pytest.fixture
def url(loop: EventLoop, gateway: Gateway) -> Iterator[str]:
    with served(loop, gateway) as address:
        yield address


def test_a_message_reaches_the_model_with_the_real_key(url: str, model: FakeModel) -> None:
    model.push("done")
    with claude_sdk(url) as client:
        assert ask_claude(client) == "done"
    [call] = model.calls
    assert (call.headers["x-api-key"], "authorization" in call.headers) == (CANARY, False)
    assert call.headers["anthropic-version"] == "2026-10-21"
    assert model.violations == []


@pytest.mark.parametrize("asking", [ask_claude, ask_claude_streaming], ids=["whole", "stream"])
def test_usage_is_what_the_server_reported(url: str, model: FakeModel, recorded: Recorded, asking: Asking) -> None:
    model.push(
        Reply(text="words " * 30, prompt_tokens=123, completion_tokens=45, cached_tokens=80, cache_write_tokens=13)
    )
    with claude_sdk(url) as client:
        assert asking(client) == "words " * 30
    [call] = recorded.calls
    assert (call.provider, call.model, call.status) == ("anthropic", CLAUDE, 200)
    assert (call.input_tokens, call.output_tokens, call.estimated) == (123, 45, False)
    assert (call.cache_read, call.cache_write) == (80, 13)


@pytest.mark.parametrize("asking", [ask_claude, ask_claude_streaming], ids=["whole", "stream"])
def test_unreported_usage_is_estimated_and_marked(
    url: str, model: FakeModel, recorded: Recorded, asking: Asking
) -> None:
    model.push(Reply(text="x" * 350, reports_usage=False))
    with claude_sdk(url) as client:
        try:
            asking(client, "y" * 3500)
        except AttributeError:  # the SDK's stream helper cannot do without the usage
            assert asking is ask_claude_streaming
    wait_until(lambda: recorded.calls, what="the settlement of a call whose client left before its end")
    [call] = recorded.calls
    assert call.estimated
    assert 1000 <= call.input_tokens < 1100
    assert call.output_tokens == 100


def test_both_providers_are_served_side_by_side(url: str, model: FakeModel, recorded: Recorded) -> None:
    model.push("from one", "from the other")
    with sdk(url) as first, claude_sdk(url) as second:
        assert (ask(first), ask_claude(second)) == ("from one", "from the other")
    assert [(call.provider, call.model) for call in recorded.calls] == [("openai", MODEL), ("anthropic", CLAUDE)]


def test_a_providers_model_is_no_model_of_the_others(url: str, model: FakeModel) -> None:
    with sdk(url) as first, claude_sdk(url) as second:
        with pytest.raises(openai.PermissionDeniedError, match="no other may be called"):
            ask(first, model=CLAUDE)
        with pytest.raises(anthropic.PermissionDeniedError, match="no other may be called") as refused:
            ask_claude(second, model=MODEL)
    assert str(refused.value.type) == "pithy_refused"
    assert model.calls == []


def test_a_provider_that_is_not_the_tasks_is_refused(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    with served(loop, make_gateway(model.base_url, recorded)) as url:
        status, _, body = request(url, "POST", MESSAGES, message())
    assert (status, error_code(body)) == (403, "pithy_refused")
    assert "anthropic" in json.loads(body)["error"]["message"]
    assert model.calls == []


def test_tokens_are_counted_for_nothing(url: str, model: FakeModel, recorded: Recorded) -> None:
    with claude_sdk(url) as client:
        counted = client.messages.count_tokens(model=CLAUDE, messages=[{"role": "user", "content": "hello"}])
    assert counted.input_tokens > 10
    assert (recorded.calls, recorded.ledger.asks) == ([], [])


def test_the_list_of_models_passes_and_is_no_call(url: str, recorded: Recorded) -> None:
    with claude_sdk(url) as client:
        assert CLAUDE in [found.id for found in client.models.list()]
    assert (recorded.calls, recorded.ledger.asks) == ([], [])


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", MESSAGES),
        ("POST", "/anthropic/v1/messages/batches"),
        ("POST", "/anthropic/v1/files"),
        ("POST", "/anthropic/v1/complete"),
        ("GET", f"/anthropic/v1/models/{CLAUDE}"),
        ("POST", "/anthropic/v1/messages/"),
        ("POST", "/anthropic/v1/messages?x=1"),
        ("POST", "/anthropic/v1/messages?beta=true&x=1"),
        ("POST", "/openai/v1/chat/completions?beta=true"),
        ("POST", "/anthropic/v1/%6dessages"),
        ("POST", "/anthropic/messages"),
        ("POST", "/v1/messages"),
    ],
)
def test_any_other_address_is_refused_in_its_apis_shape(url: str, model: FakeModel, method: str, target: str) -> None:
    status, _, body = request(url, method, target, message())
    assert status in (403, 404)
    assert error_code(body) == "pithy_refused"
    assert ("type" in json.loads(body)) == target.startswith("/anthropic")
    assert model.calls == []


def test_a_beta_is_asked_without_its_header_and_address(url: str, model: FakeModel) -> None:
    model.push("done")
    with claude_sdk(url) as client:
        client.beta.messages.create(
            model=CLAUDE, max_tokens=5, messages=[{"role": "user", "content": "x"}], betas=["files-api-2025-04-14"]
        )
    [call] = model.calls
    assert (call.path, "anthropic-beta" in call.headers) == ("/v1/messages", False)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [("2023-06-01", "2023-06-01"), ("2026-10-21", "2026-10-21"), ("2099-01-01", "2026-10-21"), ("", "2026-10-21")],
)
def test_the_version_is_one_that_is_known(url: str, model: FakeModel, asked: str, sent: str) -> None:
    model.push("done")
    assert request(url, "POST", MESSAGES, message(), {"anthropic-version": asked})[0] == 200
    assert model.calls[0].headers["anthropic-version"] == sent


def test_what_the_sandbox_puts_into_headers_stays_behind(url: str, model: FakeModel) -> None:
    model.push("done")
    evil = {"Cookie": "a=b", "X-Leak": "l", "anthropic-beta": "b", "anthropic-user-profile-id": "u"}
    request(url, "POST", MESSAGES, message(), evil)
    assert not {name.lower() for name in evil} & set(model.calls[0].headers)
    assert TOKEN not in str(model.calls[0].headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "", "x-api-key": TOKEN}, 200),
        ({"Authorization": f"Bearer {CANARY}", "x-api-key": TOKEN}, 200),
        ({"Authorization": "", "x-api-key": ""}, 401),
        ({"Authorization": TOKEN}, 401),
        ({"Authorization": "", "x-api-key": f"Bearer {TOKEN}"}, 401),
        ({"Authorization": "", "x-api-key": CANARY}, 401),
    ],
)
def test_the_attempts_token_is_taken_from_either_header(
    url: str, model: FakeModel, headers: dict[str, str], status: int
) -> None:
    model.push("done")
    assert request(url, "POST", MESSAGES, message(), headers)[0] == status
    assert len(model.calls) == (status == 200)


def test_the_ledger_is_asked_for_the_most_that_a_call_can_take(url: str, model: FakeModel, recorded: Recorded) -> None:
    model.push("done", "done")
    request(url, "POST", MESSAGES, message(max_tokens=10_000_000))
    request(url, "POST", "/openai/v1/chat/completions", chat(max_tokens=77))
    claude, gpt = recorded.ledger.asks
    assert (claude.provider, claude.model, claude.output_tokens) == ("anthropic", CLAUDE, 128_000)
    assert model.calls[0].data["max_tokens"] == 128_000
    assert (gpt.provider, gpt.model, gpt.output_tokens) == ("openai", MODEL, 77)
    assert [ask.input_tokens for ask in (claude, gpt)] == [-(-len(call.body) * 2 // 7) for call in model.calls]
