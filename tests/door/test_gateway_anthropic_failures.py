"""How calls to Anthropic go wrong, and what each side is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import anthropic
import pytest

from pithy_local.door.gateway import Gateway
from pithy_local.door.loop import EventLoop
from tests.door.harness import (
    CANARY,
    CLAUDE,
    Recorded,
    ask_claude,
    ask_claude_streaming,
    claude_sdk,
    make_gateway,
    message,
    request,
    served,
)
from tests.fakes import model_replies as replies
from tests.fakes.loopback import Exchange, Gate, LoopbackServer
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import free_port, wait_until

MESSAGES = "/anthropic/v1/messages"
Asking = Callable[..., str]


@pytest.fixture
def gateway(model: FakeModel, recorded: Recorded) -> Gateway:
    return make_gateway(model.base_url, recorded, claude_url=model.anthropic_url)


@pytest.fixture
def url(loop: EventLoop, gateway: Gateway) -> Iterator[str]:
    with served(loop, gateway) as address:
        yield address


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (replies.unauthorized(), 401, "llm_auth"),
        (replies.server_error(403), 403, "llm_auth"),
        (replies.out_of_quota(), 429, "llm_rate_limit"),
        (replies.server_error(402), 429, "llm_rate_limit"),
        (replies.server_error(500), 500, "llm_service"),
        (replies.overloaded(), 529, "llm_service"),
        (replies.server_error(504), 504, "llm_timeout"),
        (replies.context_exceeded(), 400, "llm_service"),
        (replies.nonsense(), 502, "llm_service"),
        (replies.cut(after=1), 502, "llm_service"),
    ],
)
@pytest.mark.parametrize("asking", [ask_claude, ask_claude_streaming], ids=["whole", "stream"])
def test_the_upstreams_errors_pass_through_and_are_remembered(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded, reply: Reply, status: int, code: str,
    asking: Asking,
) -> None:  # fmt: skip
    model.push(reply)
    with claude_sdk(url) as client, pytest.raises(anthropic.APIStatusError) as failed:
        asking(client)
    begun = asking is ask_claude_streaming and reply.cut_after is not None
    assert failed.value.status_code == (200 if begun else status)
    assert failed.value.type is not None
    assert gateway.failure is not None
    assert gateway.failure.code == code
    assert len(recorded.calls) == 1
    assert not recorded.ledger.open


def test_a_credit_that_is_used_up_is_known_by_its_words(url: str, gateway: Gateway, model: FakeModel) -> None:
    words = "Your credit balance is too low to access the Anthropic API."
    error = replies.ApiError(message=words, type="invalid_request_error")
    model.push(Reply(status=400, error=error))
    with claude_sdk(url) as client, pytest.raises(anthropic.RateLimitError):
        ask_claude(client)
    assert gateway.failure is not None
    assert (gateway.failure.code, gateway.failure.detail["message"]) == ("llm_rate_limit", words)


def test_an_unreachable_upstream_is_a_502_in_the_apis_shape(loop: EventLoop, recorded: Recorded) -> None:
    gateway = make_gateway(None, recorded, claude_url=f"http://127.0.0.1:{free_port()}")
    with served(loop, gateway) as url, claude_sdk(url) as client:
        with pytest.raises(anthropic.InternalServerError) as failed:
            ask_claude(client)
        with pytest.raises(anthropic.InternalServerError):
            client.models.list()
    assert (failed.value.status_code, str(failed.value.type)) == (502, "llm_service")
    assert [(call.status, call.input_tokens) for call in recorded.calls] == [(502, 0)]


def test_a_stream_that_is_cut_is_told_to_the_sandbox(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded
) -> None:
    model.push(Reply(text="word " * 100, cut_after=3, prompt_tokens=70))
    with claude_sdk(url) as client, pytest.raises(anthropic.APIError, match="broke off"):
        ask_claude_streaming(client)
    assert gateway.failure is not None
    assert gateway.failure.code == "llm_service"
    [call] = recorded.calls
    assert (call.status, call.input_tokens, call.estimated) == (502, 70, True)
    assert call.output_tokens >= 20


def test_a_client_that_leaves_is_settled_with_what_it_saw(url: str, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="word " * 100, stall_after=3, gate=Gate(), prompt_tokens=70))
    with claude_sdk(url) as client:
        stream = client.messages.create(
            model=CLAUDE, max_tokens=100, messages=[{"role": "user", "content": "hi"}], stream=True
        )
        for _ in range(4):
            next(stream)
        stream.close()
        wait_until(lambda: recorded.calls, what="the settlement")
    [call] = recorded.calls
    assert (call.status, call.input_tokens, call.estimated) == (499, 70, True)
    assert call.output_tokens >= 14
    wait_until(lambda: model.aborted == 1, what="the upstream being left")


class Stream(LoopbackServer):
    """A server that answers every request with these events."""

    def __init__(self, *events: Mapping[str, object]) -> None:
        super().__init__()
        self._events = events

    def serve(self, exchange: Exchange) -> None:
        exchange.begin(200, {"Content-Type": "text/event-stream"})
        for event in self._events:
            exchange.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        exchange.end()


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", "llm_service"),
        ("rate_limit_error", "llm_rate_limit"),
        ("authentication_error", "llm_auth"),
        ("timeout_error", "llm_timeout"),
        ("billing_error", "llm_rate_limit"),
        ("api_error", "llm_service"),
    ],
)
def test_an_error_inside_a_stream_is_understood(loop: EventLoop, recorded: Recorded, kind: str, code: str) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "as it says"}}
    with Stream(error) as upstream:
        gateway = make_gateway(None, recorded, claude_url=upstream.url)
        failing = pytest.raises(anthropic.APIStatusError, match="as it says")
        with served(loop, gateway) as url, claude_sdk(url) as client, failing:
            ask_claude_streaming(client)
    assert gateway.failure is not None
    assert (gateway.failure.code, gateway.failure.detail["message"]) == (code, "as it says")
    assert ("anthropic" in recorded.gate.until) == (kind == "rate_limit_error")


def test_an_echoed_key_is_masked(url: str, gateway: Gateway, model: FakeModel, recorded: Recorded) -> None:
    error = replies.ApiError(message=f"bad key {CANARY}", type="x")
    model.push(Reply(text=f"your key is {CANARY}"), Reply(status=401, error=error, headers={"request-id": CANARY}))
    answers = [request(url, "POST", MESSAGES, message()) for _ in range(2)]
    assert CANARY not in repr([answers, gateway.failure, recorded.calls])
