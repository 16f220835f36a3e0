"""How calls go wrong, what the sandbox is told, what the host remembers, and that each is settled once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from pithy_local.door.gateway import Gateway
from pithy_local.door.loop import EventLoop
from tests.door.harness import MODEL, FixedServer, Recorded, ask, ask_streaming, make_gateway, sdk, served
from tests.fakes import model_replies as replies
from tests.fakes.loopback import Exchange, Gate, LoopbackServer
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import free_port, wait_until


@pytest.fixture
def gateway(model: FakeModel, recorded: Recorded) -> Gateway:
    return make_gateway(model.base_url, recorded)


@pytest.fixture
def url(loop: EventLoop, gateway: Gateway) -> Iterator[str]:
    with served(loop, gateway) as address:
        yield address


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (replies.unauthorized(), 401, "llm_auth"),
        (replies.out_of_quota(), 429, "llm_rate_limit"),
        (replies.server_error(402), 429, "llm_rate_limit"),
        (replies.server_error(500), 500, "llm_service"),
        (replies.server_error(503), 503, "llm_service"),
        (replies.overloaded(), 529, "llm_service"),
        (replies.server_error(504), 504, "llm_timeout"),
        (replies.context_exceeded(), 400, "llm_service"),
        (replies.nonsense(), 502, "llm_service"),
        (replies.cut(), 502, "llm_service"),
        (replies.flood(9 * 1024 * 1024), 502, "llm_service"),
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
    assert "maximum context length is 128000" in gateway.failure.message
    assert gateway.failure.detail == {
        "http_status": 400, "message": "This model's maximum context length is 128000 tokens.",
        "request_id": "req_00000001",
    }  # fmt: skip


def test_long_words_are_bounded(url: str, gateway: Gateway, model: FakeModel) -> None:
    model.push(Reply(status=500, raw=b"x" * 100_000))
    with sdk(url) as client, pytest.raises(openai.InternalServerError):
        ask(client)
    assert gateway.failure is not None
    assert gateway.failure.detail["message"] == "x" * 500


def test_refused_calls_cost_nothing(url: str, model: FakeModel, recorded: Recorded) -> None:
    model.push(replies.server_error())
    with sdk(url) as client, pytest.raises(openai.InternalServerError):
        ask(client)
    assert (recorded.calls[0].input_tokens, recorded.calls[0].output_tokens) == (0, 0)


def test_a_spent_quota_is_said_in_words_and_not_waited_for(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded
) -> None:
    model.push(replies.out_of_quota())
    with sdk(url) as client, pytest.raises(openai.RateLimitError, match="quota") as failed:
        ask(client)
    assert failed.value.code == "llm_rate_limit"
    assert gateway.failure is not None
    assert "quota" in gateway.failure.message
    assert "current quota" in gateway.failure.detail["message"]
    assert (recorded.waits, recorded.parked, recorded.gate.until, gateway.waited) == ([], [], {}, 0.0)


@pytest.mark.parametrize("words", ["the answer is", "x" * (8 * 1024 * 1024 + 100)], ids=["cut", "too large"])
def test_what_came_of_an_answer_without_an_end_is_charged(
    url: str, model: FakeModel, recorded: Recorded, words: str
) -> None:
    model.push(Reply(raw=words.encode(), cut_after=10) if len(words) < 100 else Reply(raw=words.encode()))
    with sdk(url) as client, pytest.raises(openai.InternalServerError):
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "x"}], max_completion_tokens=500
        )
    [call] = recorded.calls
    assert call.estimated
    assert call.output_tokens == (3 if len(words) < 100 else 500)


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


def test_what_had_come_when_the_client_left_is_charged(loop: EventLoop, recorded: Recorded) -> None:
    gate = Gate()

    class Slow(LoopbackServer):
        def serve(self, exchange: Exchange) -> None:
            exchange.begin(200, {"Content-Type": "application/json"})
            exchange.write(b" " * 350)
            exchange.wait(gate)
            exchange.cut()

    with Slow() as upstream, served(loop, make_gateway(f"{upstream.url}/v1", recorded)) as url, sdk(url) as client:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(ask, client.with_options(timeout=2))
            assert gate.reached.wait(60)
            assert isinstance(running.exception(60), openai.APITimeoutError)
        wait_until(lambda: recorded.calls, what="the settlement")
    [call] = recorded.calls
    assert (call.status, call.output_tokens, call.estimated) == (499, 100, True)


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
        FixedServer("text/html", b"moved") as target,
        FixedServer("text/html", b"moved", status=307, location=target.url) as upstream,
    ):
        gateway = make_gateway(f"{upstream.url}/v1", recorded)
        with served(loop, gateway) as url, sdk(url) as client, pytest.raises(openai.InternalServerError) as failed:
            ask(client)
        assert target.requests == 0
    assert failed.value.status_code == 502
    assert "location" not in failed.value.response.headers
    assert gateway.failure is not None
    assert gateway.failure.code == "llm_service"


def test_twenty_calls_at_once_are_each_settled(url: str, model: FakeModel, recorded: Recorded) -> None:
    model.push(*(Reply(text=f"answer {number}") for number in range(20)))
    with sdk(url) as client, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(client), range(20)))
    assert sorted(answers) == sorted(f"answer {number}" for number in range(20))
    assert len(recorded.calls) == 20
