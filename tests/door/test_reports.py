"""The report service, spoken to as the runner speaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import httpx2
import pytest

from pithy_local.door.gateway import Gateway
from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Event, Reports, Result
from runner.errors import PatchRefused, Question
from runner.narrate import Narrator, Step, Verdict
from runner.providers import Reply
from runner.wire import Host
from tests.door.harness import TOKEN, Recorded, make_gateway, served

STEP = {"name": "clone", "round": 0, "text": "cloning"}
RESULT: dict[str, Any] = {"outcome": "ready", "code": None, "message": "done", "detail": {}}


@pytest.fixture
def gateway(recorded: Recorded) -> Gateway:
    return make_gateway(None, recorded, max_diff_bytes=1000)


@pytest.fixture
def host(loop: EventLoop, gateway: Gateway) -> Iterator[httpx2.Client]:
    with served(loop, gateway) as url:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx2.Client(base_url=f"{url}/host", headers=headers, trust_env=False) as client:
            yield client


def send(host: httpx2.Client, n: int, kind: str = "step", data: dict[str, Any] | None = None) -> httpx2.Response:
    return host.post("/event", json={"n": n, "kind": kind, "data": STEP if data is None else data})


def test_events_and_diffs_are_taken_in_their_order(host: httpx2.Client, gateway: Gateway, recorded: Recorded) -> None:
    answers = [send(host, 1), host.post("/diff?n=2", content=b"diff"), send(host, 3, "result", RESULT)]
    assert [answer.json() for answer in answers] == [{"ack": 1}, {"ack": 2}, {"ack": 3}]
    assert recorded.events == [Event(1, "step", STEP), Event(3, "result", RESULT)]
    assert recorded.diffs == [gateway.reports.diff] == [b"diff"]
    assert gateway.reports.result == Result("ready", None, "done", {})
    assert gateway.reports.settled.is_set()


@pytest.mark.parametrize("verdict", ["applied", "patch_rejected", "patch_malformed", "truncated", "question", "empty"])
def test_how_each_answer_was_judged_is_taken(host: httpx2.Client, recorded: Recorded, verdict: str) -> None:
    assert send(host, 1, "answer", {"round": 2, "verdict": verdict}).json() == {"ack": 1}
    assert recorded.events == [Event(1, "answer", {"round": 2, "verdict": verdict})]


def test_a_question_is_a_result(host: httpx2.Client, gateway: Gateway) -> None:
    send(host, 1, "result", RESULT | {"outcome": "question", "message": "Which of the two?"})
    assert gateway.reports.result == Result("question", None, "Which of the two?", {})


def test_a_repeat_is_acknowledged_and_dropped(host: httpx2.Client, recorded: Recorded) -> None:
    send(host, 1)
    host.post("/diff?n=2", content=b"one")
    again = [send(host, 1), host.post("/diff?n=2", content=b"two"), host.post("/diff?n=1", content=b"three")]
    assert [answer.json() for answer in again] == [{"ack": 2}] * 3
    assert (len(recorded.events), recorded.diffs) == (1, [b"one"])


def test_a_gap_is_refused(host: httpx2.Client, recorded: Recorded) -> None:
    assert send(host, 2).status_code == 409
    assert host.post("/diff?n=2", content=b"").status_code == 409
    assert (recorded.events, recorded.diffs) == ([], [])


def test_nothing_follows_the_result(host: httpx2.Client, gateway: Gateway) -> None:
    send(host, 1, "result", RESULT)
    assert send(host, 2, "result", RESULT | {"outcome": "failed"}).status_code == 409
    assert send(host, 1, "result", RESULT).json() == {"ack": 1}
    assert gateway.reports.result == Result("ready", None, "done", {})


def test_an_empty_diff_is_a_diff(host: httpx2.Client, recorded: Recorded) -> None:
    assert host.post("/diff?n=1").json() == {"ack": 1}
    assert recorded.diffs == [b""]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{" * 100_000,
        json.dumps({"n": 0, "kind": "step", "data": STEP}),
        json.dumps({"n": True, "kind": "step", "data": STEP}),
        json.dumps({"n": "1", "kind": "step", "data": STEP}),
        json.dumps({"n": 1, "kind": "reboot", "data": STEP}),
        json.dumps({"n": 1, "kind": "step", "data": []}),
        json.dumps({"n": 1, "kind": "step", "data": {"name": 5}}),
        json.dumps({"n": 1, "kind": "rejected", "data": STEP}),
        json.dumps({"n": 1, "kind": "result", "data": RESULT | {"outcome": "great"}}),
        json.dumps({"n": 1, "kind": "answer", "data": {"round": 1, "verdict": "great"}}),
        json.dumps({"n": 1, "kind": "answer", "data": {"verdict": "applied"}}),
        json.dumps({"n": 1, "kind": "reply", "data": {"round": 1, "text": "x"}}),
        json.dumps({"n": 1, "kind": "result", "data": RESULT | {"mended": -1}}),
        json.dumps({"n": 1, "kind": "result", "data": RESULT | {"mended": 2**40}}),
        json.dumps({"kind": "step", "data": STEP}),
    ],
)
def test_a_wrong_shape_is_refused(host: httpx2.Client, recorded: Recorded, body: bytes | str) -> None:
    assert host.post("/event", content=body).status_code == 422
    assert recorded.events == []


@pytest.mark.parametrize("number", ["", "?n=", "?n=x", "?n=0", "?n=-1", "?n=1.5", "?n=9999999999", "?n=²"])
def test_a_diff_needs_its_number(host: httpx2.Client, number: str) -> None:
    assert host.post(f"/diff{number}", content=b"").status_code == 422


def test_what_is_too_large_is_refused_and_its_number_stays_open(host: httpx2.Client, recorded: Recorded) -> None:
    assert host.post("/diff?n=1", content=b"x" * 1001).status_code == 413
    assert send(host, 1, data=STEP | {"text": "x" * 4 * 1024 * 1024}).status_code == 413
    assert host.post("/diff?n=1", content=b"x" * 1000).json() == {"ack": 1}
    assert recorded.events == []


def test_a_report_the_host_could_not_take_may_be_sent_again(loop: EventLoop, recorded: Recorded) -> None:
    troubles = [OSError("disk full")]

    def take(event: Event) -> None:
        if troubles:
            raise troubles.pop()
        recorded.events.append(event)

    reports = Reports(on_event=take, on_diff=lambda _, diff: recorded.diffs.append(diff), max_diff_bytes=10)
    gateway = make_gateway(None, recorded, reports=reports)
    with (
        served(loop, gateway) as url,
        httpx2.Client(base_url=f"{url}/host", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as host,
    ):
        assert send(host, 1, "result", RESULT).status_code == 500
        assert not reports.settled.is_set()
        assert send(host, 1, "result", RESULT).json() == {"ack": 1}
    assert len(recorded.events) == 1


def test_a_results_message_is_bounded(host: httpx2.Client, gateway: Gateway) -> None:
    send(host, 1, "result", RESULT | {"message": "x" * 100_000})
    assert gateway.reports.result is not None
    assert gateway.reports.result.message == "x" * 4000


def test_all_that_the_runner_can_tell_is_understood(loop: EventLoop, gateway: Gateway, recorded: Recorded) -> None:
    with served(loop, gateway) as url:
        narrator = Narrator(Host(f"{url}/host", TOKEN))
        for step in get_args(Step):
            narrator.step(step, 1, "as it goes")
        for verdict in get_args(Verdict):
            narrator.judged(1, verdict)
        narrator.rejected(1, PatchRefused("patch_rejected", "the second hunk fits nowhere"), "an answer")
        narrator.answered(1, Reply(text="an answer", finish_reason="stop"))
        narrator.changed(b"diff", 1)
        narrator.asked(Question("Which of the two?"))
    assert {event.kind for event in recorded.events} == {"step", "reply", "answer", "rejected", "result"}
    assert len(recorded.events) == len(get_args(Step)) + len(get_args(Verdict)) + 3
    assert recorded.diffs == [b"diff"]
    assert gateway.reports.result is not None
    assert gateway.reports.result.mended == 1
    assert (gateway.reports.result.outcome, gateway.reports.result.message) == ("question", "Which of the two?")
