"""Calls before a closed gate: they wait, are told about once, and go on; or the attempt is parked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import anthropic
import httpx2
import openai
import pytest

from pithy_local.door.gateway import Gateway
from pithy_local.door.loop import EventLoop
from tests.door.harness import (
    TOKEN,
    Recorded,
    ask,
    ask_claude,
    ask_streaming,
    chat,
    claude_sdk,
    make_gateway,
    sdk,
    served,
)
from tests.door.stand_ins import Hurried
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply, overloaded, rate_limited
from tests.support import wait_until

MINUTE = rate_limited(60)


@pytest.fixture
def gateway(model: FakeModel, recorded: Recorded) -> Gateway:
    return make_gateway(model.base_url, recorded, claude_url=model.anthropic_url)


@pytest.fixture
def url(loop: EventLoop, gateway: Gateway) -> Iterator[str]:
    with served(loop, gateway) as address:
        yield address


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def open_when_waited_for(recorded: Recorded, calls: int = 1) -> None:
    """Let the gates open as soon as this many calls stand before one."""
    wait_until(lambda: recorded.waits and recorded.gate.looks > calls)
    recorded.gate.until.clear()


@pytest.mark.parametrize("asking", [ask, ask_streaming], ids=["whole", "stream"])
def test_a_rate_limit_is_waited_for_and_the_call_goes_on(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded, asking: Callable[..., str]
) -> None:
    model.push(MINUTE, Reply(text="done", prompt_tokens=9, completion_tokens=4))
    began = now_ms()
    with sdk(url) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asking, client)
        open_when_waited_for(recorded)
        assert answer.result(60) == "done"
    assert [(call.status, call.input_tokens) for call in recorded.calls] == [(429, 0), (200, 9)]
    [(provider, until)] = recorded.waits
    assert (provider, began + 60_000 <= until <= now_ms() + 60_000) == ("openai", True)
    assert gateway.waited > 0
    assert (gateway.failure, recorded.parked, recorded.ledger.open) == (None, [], {})


@pytest.mark.parametrize(
    "reply",
    [
        MINUTE,
        Reply(status=429, error=MINUTE.error, headers={"x-ratelimit-reset-tokens": "1m0s"}),
        Reply(raw=b'{"error": {"type": "rate_limit_error"}}', headers={"retry-after": "60"}),
    ],
    ids=["seconds", "reset", "behind a 200"],
)
def test_anthropic_is_waited_for_likewise(url: str, model: FakeModel, recorded: Recorded, reply: Reply) -> None:
    model.push(reply, "done")
    began = now_ms()
    with claude_sdk(url) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask_claude, client)
        open_when_waited_for(recorded)
        assert answer.result(60) == "done"
    [(provider, until)] = recorded.waits
    assert (provider, began + 60_000 <= until <= now_ms() + 60_000) == ("anthropic", True)
    assert [call.input_tokens for call in recorded.calls] == [0, 10]


def test_a_gate_opens_by_itself_when_its_time_has_come(url: str, model: FakeModel, recorded: Recorded) -> None:
    model.push(rate_limited(None, ms=300), rate_limited(None, ms=200), "done")
    began = time.monotonic()
    with sdk(url) as client:
        assert ask(client) == "done"
    assert time.monotonic() - began >= 0.5
    assert len(recorded.ledger.asks) == len(recorded.calls) == 3


def test_a_gate_that_others_closed_is_waited_for(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded
) -> None:
    model.push("done")
    recorded.gate.close("openai", now_ms() + 60_000)
    told = [("openai", recorded.gate.until["openai"])]
    with sdk(url) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, client)
        open_when_waited_for(recorded)
        assert answer.result(60) == "done"
    assert (recorded.waits, len(recorded.calls)) == (told, 1)


def test_the_other_providers_gate_does_not_matter(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded
) -> None:
    model.push("done")
    recorded.gate.close("anthropic", now_ms() + 60_000)
    with sdk(url) as client:
        assert ask(client) == "done"
    assert (recorded.waits, gateway.waited) == ([], 0.0)


def test_twenty_calls_wait_for_one_gate_and_are_told_about_once(
    url: str, gateway: Gateway, model: FakeModel, recorded: Recorded
) -> None:
    model.push(*(Reply(text=f"answer {number}") for number in range(20)))
    recorded.gate.close("openai", now_ms() + 60_000)
    began = time.monotonic()
    with sdk(url) as client, ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(ask, client) for _ in range(20)]
        open_when_waited_for(recorded, calls=20)
        assert all(answer.result(60) for answer in answers)
    assert len(recorded.waits) == 1
    assert 0 < gateway.waited <= time.monotonic() - began


def test_waiting_does_not_use_up_the_calls_time(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push("done")
    clock = Hurried(20)
    recorded.gate.close("openai", clock.now_ms() + 15_000)
    gateway = make_gateway(model.base_url, recorded, call_timeout=10.0, clock=clock)
    with served(loop, gateway) as url, sdk(url) as client:
        assert ask(client) == "done"
    assert gateway.waited > 10


def test_a_wait_beyond_the_patience_parks_the_attempt(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push(rate_limited(3600))
    began = now_ms()
    gateway = make_gateway(model.base_url, recorded, claude_url=model.anthropic_url)
    with served(loop, gateway) as url, sdk(url) as client:
        with pytest.raises(openai.RateLimitError) as refused:
            ask(client)
        with pytest.raises(openai.RateLimitError):
            ask(client)
    assert refused.value.code == "llm_rate_limit"
    [parked] = recorded.parked
    assert parked.until == recorded.gate.until["openai"]
    assert began + 3_600_000 <= parked.until <= now_ms() + 3_600_000
    assert "openai" in parked.words
    assert gateway.failure is not None
    assert gateway.failure.code == "llm_rate_limit"
    assert [call.status for call in recorded.calls] == [429]
    assert recorded.waits == []


def test_patience_is_for_all_waits_of_a_call(loop: EventLoop, model: FakeModel, recorded: Recorded) -> None:
    model.push(*[rate_limited(None, ms=400)] * 3)
    gateway = make_gateway(None, recorded, claude_url=model.anthropic_url, patience=1.0)
    with served(loop, gateway) as url, claude_sdk(url) as client, pytest.raises(anthropic.RateLimitError):
        ask_claude(client)
    assert {call.status for call in recorded.calls} == {429}
    assert 2 <= len(recorded.calls) <= 3
    assert len(recorded.parked) == 1


def test_a_client_that_leaves_ends_its_wait(url: str, gateway: Gateway, model: FakeModel, recorded: Recorded) -> None:
    recorded.gate.close("openai", now_ms() + 60_000)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(f"{url}/openai/v1/chat/completions", content=chat(), headers=headers, timeout=0.3, trust_env=False)
    wait_until(lambda: waits_no_more(gateway), what="the end of the wait")
    assert (model.calls, recorded.ledger.asks, recorded.parked) == ([], [], [])


def waits_no_more(gateway: Gateway) -> bool:
    before = gateway.waited
    threading.Event().wait(0.05)
    return gateway.waited == before


def test_an_overload_is_no_rate_limit(url: str, gateway: Gateway, model: FakeModel, recorded: Recorded) -> None:
    model.push(overloaded())
    with claude_sdk(url) as client, pytest.raises(anthropic.APIStatusError) as failed:
        ask_claude(client)
    assert (failed.value.status_code, recorded.gate.until, recorded.waits) == (529, {}, [])
    assert gateway.failure is not None
    assert "overloaded" in gateway.failure.message


def test_the_list_of_models_waits_too(url: str, recorded: Recorded) -> None:
    recorded.gate.close("openai", now_ms() + 60_000)
    with sdk(url) as client, ThreadPoolExecutor(1) as pool:
        listed = pool.submit(lambda: list(client.models.list()))
        open_when_waited_for(recorded)
        assert listed.result(60)
