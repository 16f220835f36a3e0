"""How calls go wrong, what the sandbox is told, what the host remembers, and that each is settled once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest

from pithy_local.door.gateway import Gateway
from pithy_local.door.loop import EventLoop
from tests.door.harness import MODEL, Recorded, ask, ask_streaming, free_port, make_gateway, sdk, served
from tests.fakes import model_replies as replies
from tests.fakes.loopback import Exchange, Gate, LoopbackServer
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import wait_until


@pytest.fixture
def gateway(model: FakeModel, recorded: Recorded) -> Gateway:
    return make_gateway(model.base_url, recorded)


@pytest.fixture
def url(loop: EventLoop, gateway: Gateway) -> Iterator[str]:
    with served(loop, gateway) as address:
        yield address


class Upstream(LoopbackServer):
    """A server that answers every request with fixed bytes, cut into fixed portions."""

    def __init__(self, kind: str, *portions: bytes, status: int = 200, cut: bool = False, location: str = "") -> None:
        super().__init__()
        self.requests = 0
        self._kind, self._portions, self._status, self._cut, self._location = kind, portions, status, cut, location

    def serve(self, exchange: Exchange) -> None:
        self.requests += 1
        headers = {"Content-Type": self._kind} | ({"Location": self._location} if self._location else {})
        exchange.begin(self._status, headers)
        for portion in self._portions:
            exchange.write(portion)
        if self._cut:
            exchange.cut()
        else:
            exchange.end()


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (replies.unauthorized(), 401, "llm_auth"),
        (replies.rate_limited(), 429, "llm_rate_limit"),
        (replies.out_of_quota(), 429, "llm_rate_limit"),
        (replies.server_error(500), 500, "llm_service"),
        (replies.server_error(503), 503, "llm_service"),
        (replies.server_error(504), 504, "llm_timeout"),
        (replies.context_exceeded(), 400, "llm_service"),
        (replies.nonsense(), 502, "llm_service"),
        (replies.cut(), 502, "llm_service"),
        (replies.flood(17 * 1024 * 1024), 502, "llm_service"),
    ],
)
def test_the_upstreams_errors_pass_through_and_are_remembered(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded, reply: Reply, status: int, code: str
) -> None:
    model.push(reply)
    with sdk(url) as client, pytest.raises(openai.APIStatusError) as failed:
        ask(client)
    assert failed.value.status_code == status
    assert gateway.failure is not None
    assert gateway.failure.code == code
    assert [call.status for call in recorded.calls] == [status]


def test_the_upstreams_words_are_kept(url: str, gateway: Gateway, model: FakeModel) -> None:
    model.push(replies.context_exceeded())
    with sdk(url) as client, pytest.raises(openai.BadRequestError, match="maximum context length"):
        ask(client)
    assert gateway.failure is not None
    assert gateway.failure.detail == {
        "http_status": 400, "message": "This model's maximum context length is 128000 tokens."
    }  # fmt: skip


def test_long_words_are_bounded(url: str, gateway: Gateway, model: FakeModel) -> None:
    model.push(Reply(status=500, raw=b"x" * 100_000))
    with sdk(url) as client, pytest.raises(openai.InternalServerError):
        ask(client)
    assert gateway.failure is not None
    assert gateway.failure.detail["message"] == "x" * 500


def test_refused_calls_cost_nothing(url: str, model: FakeModel, recorded: Recorded) -> None:
    model.push(replies.rate_limited())
    with sdk(url) as client, pytest.raises(openai.RateLimitError) as failed:
        ask(client)
    assert failed.value.response.headers["retry-after"] == "1"
    assert (recorded.calls[0].input_tokens, recorded.calls[0].output_tokens) == (0, 0)


def test_a_later_success_clears_the_failure(url: str, gateway: Gateway, model: FakeModel) -> None:
    model.push(replies.server_error(), "done")
    with sdk(url) as client:
        with pytest.raises(openai.InternalServerError):
            ask(client)
        ask(client)
    assert gateway.failure is None


def test_an_unreachable_upstream_is_a_502_and_costs_nothing(loop: EventLoop, recorded: Recorded) -> None:
    gateway = make_gateway(f"http://127.0.0.1:{free_port()}/v1", recorded)
    with served(loop, gateway) as url, sdk(url) as client, pytest.raises(openai.InternalServerError) as failed:
        ask(client)
    assert (failed.value.status_code, failed.value.code) == (502, "llm_service")
    assert gateway.failure is not None
    assert gateway.failure.message == "the model's service cannot be reached"
    assert [(call.status, call.input_tokens) for call in recorded.calls] == [(502, 0)]


@pytest.mark.parametrize("streamed", [False, True])
def test_silence_beyond_the_calls_limit_is_a_504(
    loop: EventLoop, model: FakeModel, recorded: Recorded, streamed: bool
) -> None:
    model.push(replies.hang())
    gateway = make_gateway(model.base_url, recorded, call_timeout=0.3)
    with served(loop, gateway) as url, sdk(url) as client, pytest.raises(openai.APIStatusError) as failed:
        (ask_streaming if streamed else ask)(client)
    assert (failed.value.status_code, failed.value.code) == (504, "llm_timeout")
    assert gateway.failure is not None
    assert gateway.failure.code == "llm_timeout"
    assert [(call.status, call.estimated) for call in recorded.calls] == [(504, True)]


def test_the_calls_limit_counts_the_stream(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="word " * 100, stall_after=3, gate=Gate()))
    gateway = make_gateway(model.base_url, recorded, call_timeout=0.5)
    with served(loop, gateway) as url, sdk(url) as client, pytest.raises(openai.APIError, match="did not answer"):
        ask_streaming(client)
    assert gateway.failure is not None
    assert gateway.failure.code == "llm_timeout"
    assert [(call.status, call.estimated) for call in recorded.calls] == [(504, True)]


def test_a_stream_that_is_cut_is_told_to_the_sandbox(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded
) -> None:
    model.push(Reply(text="word " * 100, cut_after=3))
    with sdk(url) as client, pytest.raises(openai.APIError, match="broke off"):
        ask_streaming(client)
    assert gateway.failure is not None
    assert gateway.failure.code == "llm_service"
    assert [(call.status, call.estimated) for call in recorded.calls] == [(502, True)]


def test_a_client_that_leaves_is_settled_and_the_upstream_is_left_too(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded
) -> None:
    model.push(Reply(text="word " * 100, stall_after=3, gate=Gate()))
    with sdk(url) as client:
        stream = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}], stream=True)
        next(stream)
        stream.close()
        wait_until(lambda: recorded.calls, what="the settlement")
    assert [(call.status, call.estimated) for call in recorded.calls] == [(499, True)]
    assert gateway.failure is None
    wait_until(lambda: model.aborted == 1, what="the upstream being left")


def test_a_client_that_leaves_before_the_answer_is_settled(url: str, model: FakeModel, recorded: Recorded) -> None:
    gate = Gate()
    model.push(replies.hang(gate))
    with sdk(url) as client, pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.2))
    wait_until(lambda: recorded.calls, what="the settlement")
    assert recorded.calls[0].status == 499


def test_closing_the_service_settles_running_calls(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="word " * 100, stall_after=3, gate=Gate()))
    gateway = make_gateway(model.base_url, recorded)
    with served(loop, gateway) as url, sdk(url) as client:
        stream = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}], stream=True)
        next(stream)
        assert recorded.calls == []
        # leaving `served` closes the loopback under the stream
        running = stream
    running.close()
    assert [call.status for call in recorded.calls] == [499]


def test_a_redirect_is_not_followed(loop: EventLoop, recorded: Recorded) -> None:
    with (
        Upstream("text/html", b"moved") as target,
        Upstream("text/html", b"moved", status=307, location=target.url) as upstream,
    ):
        gateway = make_gateway(f"{upstream.url}/v1", recorded)
        with served(loop, gateway) as url, sdk(url) as client, pytest.raises(openai.InternalServerError) as failed:
            ask(client)
        assert target.requests == 0
    assert failed.value.status_code == 502
    assert "location" not in failed.value.response.headers
    assert gateway.failure is not None
    assert gateway.failure.code == "llm_service"


def event(document: object) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def sse_answer(loop: EventLoop, recorded: Recorded, *portions: bytes) -> tuple[Gateway, list[object]]:
    """What the SDK's stream of /responses yields when the upstream sends `portions`; a raised error is its last."""
    seen: list[object] = []
    with Upstream("text/event-stream", *portions) as upstream:
        gateway = make_gateway(f"{upstream.url}/v1", recorded)
        with served(loop, gateway) as url, sdk(url) as client:
            try:
                seen.extend(found.type for found in client.responses.create(model=MODEL, input="hi", stream=True))
            except openai.APIError as error:
                seen.append(error)
    return gateway, seen


def test_a_stream_of_responses_is_counted_at_its_last_event(loop: EventLoop, recorded: Recorded) -> None:
    usage = {"input_tokens": 7, "output_tokens": 6, "total_tokens": 13}
    text = b"event: response.output_text.delta\n" + event({"type": "response.output_text.delta", "delta": "hi"})
    last = event({"type": "response.completed", "response": {"error": None, "usage": usage}})
    whole = text + b"event: response.completed\n" + last
    # a split inside every line
    gateway, seen = sse_answer(loop, recorded, *(whole[i : i + 11] for i in range(0, len(whole), 11)))
    assert seen == ["response.output_text.delta", "response.completed"]
    assert [(call.input_tokens, call.output_tokens, call.estimated) for call in recorded.calls] == [(7, 6, False)]
    assert gateway.failure is None


def test_an_error_inside_a_stream_is_remembered(loop: EventLoop, recorded: Recorded) -> None:
    gateway, seen = sse_answer(loop, recorded, event({"error": {"message": "overloaded"}}))
    assert isinstance(seen[-1], openai.APIError)
    assert gateway.failure is not None
    assert gateway.failure.detail["message"] == "overloaded"


def test_a_stream_without_an_end_is_a_failure(loop: EventLoop, recorded: Recorded) -> None:
    gateway, seen = sse_answer(loop, recorded, event({"type": "response.output_text.delta", "delta": "hi"}))
    assert isinstance(seen[-1], openai.APIError)
    assert gateway.failure is not None
    assert gateway.failure.code == "llm_service"


def test_twenty_calls_at_once_are_each_settled(url: str, model: FakeModel, recorded: Recorded) -> None:
    from concurrent.futures import ThreadPoolExecutor

    model.push(*(Reply(text=f"answer {number}") for number in range(20)))
    with sdk(url) as client, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(client), range(20)))
    assert sorted(answers) == sorted(f"answer {number}" for number in range(20))
    assert len(recorded.calls) == 20
