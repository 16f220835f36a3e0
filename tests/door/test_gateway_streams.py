"""Streams that only a server with fixed bytes sends: responses, errors in the middle, no end."""

from __future__ import annotations

import json

import openai
import pytest

from pithy_local.door.gateway import Gateway
from pithy_local.door.loop import EventLoop
from tests.door.harness import MODEL, FixedServer, Recorded, make_gateway, sdk, served


def event(document: object) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def sse_answer(loop: EventLoop, recorded: Recorded, *portions: bytes) -> tuple[Gateway, list[object]]:
    """What the SDK's stream of /responses yields when the upstream sends `portions`; a raised error is its last."""
    seen: list[object] = []
    with FixedServer("text/event-stream", *portions) as upstream:
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


def test_a_stream_without_bounds_is_ended_and_settled(loop: EventLoop, recorded: Recorded) -> None:
    comment = b": " + b"x" * (1 << 20) + b"\n"
    text = event({"type": "response.output_text.delta", "delta": "x" * 35})
    with FixedServer("text/event-stream", text, *[comment] * 65) as upstream:
        gateway = make_gateway(f"{upstream.url}/v1", recorded)
        with served(loop, gateway) as url, sdk(url) as client, pytest.raises(openai.APIError, match="too large"):
            list(client.responses.create(model=MODEL, input="hi", stream=True))
    [call] = recorded.calls
    assert (call.status, call.output_tokens, call.estimated) == (502, 10, True)
