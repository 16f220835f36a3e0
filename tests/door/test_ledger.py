"""Every call is reserved before it goes out and settled after it has ended, whatever happens; no limit is passed by
more than one call's reservation."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
import pytest

from pithy_local.door.gateway import Gateway
from pithy_local.door.ledger import Call
from pithy_local.door.loop import EventLoop
from tests.door.harness import CANARY, MODEL, TOKEN, Recorded, ask, chat, make_gateway, message, sdk, served
from tests.door.stand_ins import MemoryLedger
from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply, cut, hang, nonsense, server_error
from tests.support import free_port, wait_until

CHAT, MESSAGES = "/openai/v1/chat/completions", "/anthropic/v1/messages"


@pytest.fixture
def gateway(model: FakeModel, recorded: Recorded) -> Gateway:
    return make_gateway(model.base_url, recorded, claude_url=model.anthropic_url)


@pytest.fixture
def url(loop: EventLoop, gateway: Gateway) -> Iterator[str]:
    with served(loop, gateway) as address:
        yield address


def post(url: str, path: str, body: bytes) -> httpx2.Response:
    return httpx2.post(
        f"{url}{path}", content=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60, trust_env=False
    )


def leave_early(url: str, path: str, body: bytes) -> None:
    """Ask for a stream and go away after its first bytes."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx2.stream("POST", f"{url}{path}", content=body, headers=headers, timeout=60, trust_env=False) as answer:
        next(answer.iter_bytes(), b"")


def misbehave(number: int) -> Reply:
    """An upstream's tenth of everything: good answers, streams without usage, cuts, errors."""
    good = Reply(text="word " * 40, completion_tokens=60, prompt_tokens=25)
    kinds = (
        good,
        replace(good, reports_usage=False),
        replace(good, cut_after=4),
        replace(good, stall_after=2, delay=0.2),
        server_error(),
    )
    return kinds[number % len(kinds)]


def test_twenty_at_once_pass_the_limit_by_one_reservation_at_most(loop: EventLoop) -> None:
    """Streams and whole answers of both providers, aborts, cuts, missing usage: all of it until it is refused."""
    counter, counting = iter(range(10**6)), threading.Lock()

    def script(body: dict[str, Any]) -> Reply:
        with counting:
            return misbehave(next(counter))

    recorded = Recorded(ledger=MemoryLedger(limit=4_000))
    with FakeModel(script, key=CANARY) as model:
        gateway = make_gateway(model.base_url, recorded, claude_url=model.anthropic_url)
        with served(loop, gateway) as url, ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda worker: loop_until_refused(url, worker), range(20)))
            wait_until(lambda: not recorded.ledger.open, what="the settlements")
    ledger = recorded.ledger
    largest = max(granted.input_tokens + granted.output_tokens for granted in ledger.asks)
    assert ledger.limit <= ledger.settled_tokens < ledger.limit + largest
    assert len(ledger.calls) == len(ledger.asks) == len(model.completions)
    assert gateway.failure is not None
    assert gateway.failure.code == "token_limit"


def loop_until_refused(url: str, worker: int) -> None:
    path = CHAT if worker % 2 else MESSAGES
    for round_ in range(1000):
        stream = (worker + round_) % 3 > 0
        make = chat if path == CHAT else message
        body = make(max_tokens=80, stream=stream)
        if stream and round_ % 4 == 3:
            leave_early(url, path, body)
        elif post(url, path, body).status_code == 402:
            return
    raise AssertionError("the limit was never reached")


def test_spent_tokens_refuse_the_next_call(url: str, gateway: Gateway, model: FakeModel, recorded: Recorded) -> None:
    model.push(Reply(text="done", prompt_tokens=60, completion_tokens=50))
    recorded.ledger.limit = 100
    with sdk(url) as client:
        ask(client)
        with pytest.raises(openai.APIStatusError) as refused:
            ask(client)
    assert (refused.value.status_code, refused.value.code) == (402, "token_limit")
    answer = post(url, MESSAGES, message())
    assert (answer.status_code, answer.json()["error"]["type"]) == (402, "token_limit")
    assert gateway.failure is not None
    assert gateway.failure.code == "token_limit"
    assert (len(model.calls), len(recorded.calls), recorded.parked) == (1, 1, [])


def test_a_call_waits_for_the_room_that_others_may_leave(url: str, model: FakeModel, recorded: Recorded) -> None:
    gate = Gate()
    model.push(Reply(text="one", gate=gate, prompt_tokens=5, completion_tokens=5), "two")
    recorded.ledger.limit = 100
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(post, url, CHAT, chat(max_tokens=100))
        assert gate.reached.wait(60)
        second = pool.submit(post, url, CHAT, chat(max_tokens=100))
        wait_until(lambda: len(recorded.ledger.open) == 1)
        assert len(model.calls) == 1
        gate.release()
        assert [job.result(60).status_code for job in (first, second)] == [200, 200]
    assert [call.status for call in recorded.calls] == [200, 200]


def test_a_call_for_which_no_room_comes_is_too_late(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    gate = Gate()
    model.push(Reply(text="one", gate=gate))
    recorded.ledger.limit = 100
    gateway = make_gateway(model.base_url, recorded, call_timeout=0.5)
    patient = make_gateway(model.base_url, recorded)
    with served(loop, gateway) as hasty_url, served(loop, patient) as url, ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, url, CHAT, chat(max_tokens=100))
        assert gate.reached.wait(60)
        late = post(hasty_url, CHAT, chat(max_tokens=100))
        gate.release()
        assert first.result(60).status_code == 200
    assert (late.status_code, late.json()["error"]["code"]) == (504, "llm_timeout")
    assert gateway.failure is not None
    assert (gateway.failure.code, len(recorded.calls)) == ("llm_timeout", 1)


def test_a_client_that_leaves_while_it_waits_for_room_leaves_nothing(
    url: str, model: FakeModel, recorded: Recorded
) -> None:
    gate = Gate()
    model.push(Reply(text="one", gate=gate))
    recorded.ledger.limit = 100
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, url, CHAT, chat(max_tokens=100))
        assert gate.reached.wait(60)
        second = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        second.request("POST", CHAT, chat(max_tokens=100), {"Authorization": f"Bearer {TOKEN}"})
        wait_until(lambda: recorded.ledger.waits, what="the second call's wait")
        second.close()
        wait_until(lambda: asks_no_more(recorded), what="the end of the wait")
        gate.release()
        first.result(60)
    assert (len(recorded.ledger.asks), len(recorded.calls)) == (1, 1)


def asks_no_more(recorded: Recorded) -> bool:
    before = recorded.ledger.waits
    threading.Event().wait(0.5)
    return recorded.ledger.waits == before


def test_a_spent_budget_parks_the_attempt_once(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded
) -> None:
    recorded.ledger.budget = 0
    answers = [post(url, CHAT, chat()), post(url, MESSAGES, message())]
    assert [answer.status_code for answer in answers] == [402, 402]
    assert (answers[0].json()["error"]["code"], answers[1].json()["error"]["type"]) == ("budget", "budget")
    assert gateway.failure is not None
    assert gateway.failure.code == "budget"
    assert [(parked.words, parked.until) for parked in recorded.parked] == [("the day's budget is spent", 0)]
    assert model.calls == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "reply", [Reply(text="x" * 500), Reply(text="x", reports_usage=False), cut(after=1), nonsense(), server_error()]
)
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_each_ticket_is_settled_once(
    url: str, model: FakeModel, recorded: Recorded, path: str, reply: Reply, stream: bool
) -> None:
    model.push(reply)
    post(url, path, chat(stream=stream) if path == CHAT else message(stream=stream))
    assert (len(recorded.ledger.asks), len(recorded.calls), recorded.ledger.open) == (1, 1, {})


def test_a_connection_that_was_never_made_costs_nothing(loop: EventLoop, recorded: Recorded) -> None:
    gateway = make_gateway(f"http://127.0.0.1:{free_port()}/v1", recorded)
    with served(loop, gateway) as url:
        post(url, CHAT, chat())
    assert [(call.input_tokens, call.output_tokens, call.estimated) for call in recorded.calls] == [(0, 0, False)]


def test_closing_the_service_settles_what_runs(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push(hang())
    with ThreadPoolExecutor(1) as pool:
        with served(loop, make_gateway(model.base_url, recorded)) as url:
            running = pool.submit(post, url, CHAT, chat())
            wait_until(lambda: recorded.ledger.open)
        assert isinstance(running.exception(60), httpx2.HTTPError)
    assert [call.status for call in recorded.calls] == [499]


def test_an_embedding_is_a_call_and_has_no_output(url: str, recorded: Recorded) -> None:
    with sdk(url) as client:
        answer = client.embeddings.create(model=MODEL, input=["one", "two"])
    assert [item.embedding for item in answer.data] == [[0.0, 1.0]] * 2
    [call] = recorded.calls
    assert (call.input_tokens, call.output_tokens, call.estimated) == (answer.usage.prompt_tokens, 0, False)


class BrokenLedger(MemoryLedger):
    """One that cannot write down what was settled."""

    def settle(self, ticket: int, call: Call) -> None:
        super().settle(ticket, call)
        raise OSError("disk full")


def test_what_cannot_be_settled_is_an_error_of_the_hosts(loop: EventLoop, model: FakeModel) -> None:
    recorded = Recorded(ledger=BrokenLedger())
    model.push("done")
    with served(loop, make_gateway(model.base_url, recorded)) as url:
        answer = post(url, CHAT, chat())
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "disk full" not in answer.text
    assert [call.status for call in recorded.calls] == [200]
