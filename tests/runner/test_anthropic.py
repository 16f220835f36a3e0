"""The anthropic SDK against a server on loopback."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.errors import AgentError, ProviderError
from runner.providers.anthropic import AnthropicProvider
from runner.providers.base import Message
from tests.fakes import model_replies
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import ApiError, Reply

TALK = [
    Message(role="system", text="You are"),
    Message(role="system", text="In these steps", provider="anthropic"),
    Message(role="system", text="Not for you", provider="openai"),
    Message(role="user", text="Do"),
    Message(role="assistant", text="Done"),
    Message(role="user", text="Again"),
]
WHOLE, STREAMED = 500, 64_000
"""Output limits below and above which the SDK asks for a stream."""


def provider(model: FakeModel, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> AnthropicProvider:
    """The provider as in the sandbox: address and key come from the environment."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", model.anthropic_url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", changes.pop("key", "sk-test-key"))
    fields: dict[str, Any] = {
        "model": "claude-sonnet-5-5", "reasoning": None, "max_output_tokens": WHOLE, "timeout": 20.0
    }  # fmt: skip
    return AnthropicProvider(**(fields | changes))


def shaped(*blocks: dict[str, Any], **fields: Any) -> Reply:
    """A message of these content blocks."""
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "content": list(blocks),
        "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    return Reply(raw=json.dumps(message | fields).encode())


@pytest.mark.parametrize("limit", [WHOLE, STREAMED])
def test_the_question_carries_the_job_and_the_answer_its_usage(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    answer = Reply(text="Hello, " * 20, prompt_tokens=120, cached_tokens=80, cache_write_tokens=30, completion_tokens=9)
    with FakeModel([answer]) as model:
        reply = provider(model, monkeypatch, max_output_tokens=limit).ask(TALK)

    assert (reply.text, reply.finish_reason, reply.truncated) == ("Hello, " * 20, "stop", False)
    assert (reply.input_tokens, reply.output_tokens) == (120, 9)
    data = model.completions[0].data
    assert data.pop("stream", False) is (limit == STREAMED)
    assert data == {
        "model": "claude-sonnet-5-5",
        "max_tokens": limit,
        "system": "You are\n\nIn these steps",
        "messages": [
            {"role": "user", "content": "Do"},
            {"role": "assistant", "content": "Done"},
            {"role": "user", "content": "Again"},
        ],
    }
    assert model.violations == []


@pytest.mark.parametrize("limit", [WHOLE, STREAMED])
def test_a_server_without_usage_is_fine(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    with FakeModel([Reply(text="Hello", reports_usage=False)]) as model:
        reply = provider(model, monkeypatch, max_output_tokens=limit).ask(TALK)

    assert (reply.text, reply.input_tokens, reply.output_tokens) == ("Hello", None, None)


@pytest.mark.parametrize("limit", [WHOLE, STREAMED])
@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
def test_an_answer_at_a_limit_is_marked(monkeypatch: pytest.MonkeyPatch, limit: int, reason: str) -> None:
    with FakeModel([Reply(text="Hel", finish_reason=reason)]) as model:
        assert provider(model, monkeypatch, max_output_tokens=limit).ask(TALK).truncated


def test_text_blocks_are_joined_and_thoughts_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = shaped(
        {"type": "thinking", "thinking": "Hmm", "signature": "x"},
        {"type": "text", "text": "One\n"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "two \ud800"},
    )
    with FakeModel([answer]) as model:
        assert provider(model, monkeypatch).ask(TALK).text == "One\ntwo ?"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (shaped(stop_reason="refusal"), "policy"),
        (shaped(stop_reason="refusal", stop_details={"type": "refusal", "category": "cyber"}), "cyber"),
        (
            shaped(stop_reason="refusal", stop_details={"type": "refusal", "category": "bio", "explanation": "No."}),
            "No.",
        ),
    ],
)
def test_a_model_that_declines_is_the_agents_failure(monkeypatch: pytest.MonkeyPatch, reply: Reply, words: str) -> None:
    with FakeModel([reply]) as model, pytest.raises(AgentError, match=f"declines the task: .*{words}") as failed:
        provider(model, monkeypatch).ask(TALK)

    assert failed.value.code == "agent_failed"


ADAPTIVE = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}
BUDGET = {"thinking": {"type": "enabled", "budget_tokens": 2048}}


@pytest.mark.parametrize(
    ("refused", "sent"),
    [
        ((), [ADAPTIVE, ADAPTIVE]),
        (("adaptive",), [ADAPTIVE, BUDGET, BUDGET]),
        (("adaptive", "enabled"), [ADAPTIVE, BUDGET, {}, {}]),
    ],
)
def test_thinking_is_asked_for_in_the_way_the_model_takes(
    monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...], sent: list[dict[str, Any]]
) -> None:
    def decide(data: dict[str, Any]) -> Reply:
        kind = data.get("thinking", {}).get("type", "")
        if kind in refused:
            words = f"{kind} thinking is not supported on this model"
            return Reply(status=400, error=ApiError(message=words, type="invalid_request_error"))
        return Reply(text="Hello")

    with FakeModel(decide) as model:
        asking = provider(model, monkeypatch, reasoning="medium", max_output_tokens=8_192)
        assert [asking.ask(TALK).text, asking.ask(TALK).text] == ["Hello", "Hello"]

    kept = [{key: call.data[key] for key in ("thinking", "output_config") if key in call.data} for call in model.calls]
    assert kept == sent


@pytest.mark.parametrize(
    ("reasoning", "limit", "budget"), [("low", 8_000, 1_024), ("medium", 8_000, 2_000), ("high", 8_000, 4_000)]
)
def test_the_thinking_budget_is_a_share_of_the_output(
    monkeypatch: pytest.MonkeyPatch, reasoning: str, limit: int, budget: int
) -> None:
    words = "output_config: Extra inputs are not permitted"
    refusal = Reply(status=400, error=ApiError(message=words, type="invalid_request_error"))
    with FakeModel([refusal, "Hello"]) as model:
        provider(model, monkeypatch, reasoning=reasoning, max_output_tokens=limit).ask(TALK)

    assert model.completions[1].data["thinking"]["budget_tokens"] == budget


def test_an_output_limit_too_small_for_thinking_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Reply(status=400, error=ApiError(message="no effort here", type="invalid_request_error"))
    with FakeModel([refusal, "Hello"]) as model:
        provider(model, monkeypatch, reasoning="high", max_output_tokens=1_024).ask(TALK)

    assert "thinking" not in model.completions[1].data


def gateway(status: int, code: str) -> Reply:
    """The host's gateway in Anthropic's shape."""
    error = {"type": "error", "error": {"type": code, "message": "in words"}}
    return Reply(status=status, raw=json.dumps(error).encode())


@pytest.mark.parametrize("limit", [WHOLE, STREAMED])
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (gateway(402, "token_limit"), "token_limit"),
        (gateway(402, "budget"), "budget"),
        (gateway(429, "llm_rate_limit"), "llm_rate_limit"),
        (gateway(504, "llm_timeout"), "llm_timeout"),
        (gateway(502, "llm_service"), "llm_service"),
        (gateway(401, "llm_auth"), "llm_auth"),
        (gateway(403, "pithy_refused"), "llm_service"),
        (model_replies.unauthorized(), "llm_auth"),
        (Reply(status=403, error=ApiError(message="no", type="x")), "llm_auth"),
        (model_replies.rate_limited(), "llm_rate_limit"),
        (Reply(status=402, error=ApiError(message="credit", type="x")), "llm_rate_limit"),
        (model_replies.overloaded(), "llm_service"),
        (model_replies.server_error(), "llm_service"),
        (Reply(status=504, error=ApiError(message="slow", type="x")), "llm_timeout"),
        (model_replies.context_exceeded(), "llm_service"),
        (Reply(text="never " * 100, cut_after=2), "llm_service"),
        (model_replies.nonsense(), "llm_service"),
        (Reply(raw=b"{}"), "llm_service"),
        (Reply(raw=b"[]"), "llm_service"),
        (Reply(raw=b""), "llm_service"),
    ],
)
def test_every_failure_has_its_code_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, answer: Reply, code: str, limit: int
) -> None:
    with FakeModel([answer]) as model, pytest.raises(ProviderError) as failed:
        provider(model, monkeypatch, max_output_tokens=limit).ask(TALK)

    assert failed.value.code == code
    assert len(model.completions) == 1


@pytest.mark.parametrize(
    ("kind", "code"), [("overloaded_error", "llm_service"), ("rate_limit_error", "llm_rate_limit")]
)
def test_an_error_inside_a_stream_has_its_code(monkeypatch: pytest.MonkeyPatch, kind: str, code: str) -> None:
    event = f'event: error\ndata: {{"type": "error", "error": {{"type": "{kind}", "message": "in words"}}}}\n\n'
    answer = Reply(raw=event.encode(), headers={"Content-Type": "text/event-stream"})
    with FakeModel([answer]) as model, pytest.raises(ProviderError, match="in words") as failed:
        provider(model, monkeypatch, max_output_tokens=STREAMED).ask(TALK)

    assert failed.value.code == code


def test_the_servers_words_are_kept_and_the_key_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        FakeModel() as model,
        pytest.raises(ProviderError, match=r"401: Incorrect API key provided\.$") as failed,
    ):
        provider(model, monkeypatch, key="sk-wrong-canary").ask(TALK)

    assert failed.value.detail["http_status"] == 401
    assert "canary" not in f"{failed.value.message}{failed.value.detail}"


@pytest.mark.parametrize(
    ("limit", "answer"),
    [
        (WHOLE, model_replies.hang()),
        (STREAMED, model_replies.hang()),
        (STREAMED, Reply(text="late " * 40, stall_after=2, delay=60.0)),
    ],
)
def test_no_answer_in_time_is_a_timeout(monkeypatch: pytest.MonkeyPatch, limit: int, answer: Reply) -> None:
    with FakeModel([answer]) as model, pytest.raises(ProviderError, match="within") as failed:
        provider(model, monkeypatch, max_output_tokens=limit, timeout=0.3).ask(TALK)

    assert failed.value.code == "llm_timeout"


def test_a_server_that_is_not_there_is_a_service_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel() as model:
        asking = provider(model, monkeypatch)

    with pytest.raises(ProviderError, match="cannot be reached") as failed:
        asking.ask(TALK)

    assert failed.value.code == "llm_service"
