"""The openai SDK against a server on loopback, the script, and which provider a job gets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.errors import AgentError, ProviderError
from runner.job import Scripted
from runner.providers import for_job
from runner.providers.anthropic import AnthropicProvider
from runner.providers.base import Message
from runner.providers.openai import OpenAIProvider
from runner.providers.patient import Patient
from runner.providers.scripted import ScriptedProvider
from tests.fakes import model_replies
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import ApiError, Reply
from tests.runner.support import make_job

ROOT = Path(__file__).parents[2]
TALK = [Message(role="system", text="You are"), Message(role="user", text="Do"), Message(role="assistant", text="Done")]


def provider(model: FakeModel, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> OpenAIProvider:
    """The provider as in the sandbox: address and key come from the environment."""
    monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", changes.pop("key", "sk-test-key"))
    fields: dict[str, Any] = {
        "model": "gpt-4o", "temperature": 0.0, "reasoning": None, "max_output_tokens": 500, "timeout": 20.0
    }  # fmt: skip
    return OpenAIProvider(**(fields | changes))


def test_the_question_carries_the_job_and_the_answer_its_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel([Reply(text="Hello", prompt_tokens=12, completion_tokens=3)]) as model:
        reply = provider(model, monkeypatch).ask(TALK)

    assert (reply.text, reply.finish_reason, reply.truncated) == ("Hello", "stop", False)
    assert (reply.input_tokens, reply.output_tokens) == (12, 3)
    assert model.completions[0].data == {
        "model": "gpt-4o",
        "messages": [{"role": message.role, "content": message.text} for message in TALK],
        "temperature": 0.0,
        "max_tokens": 500,
    }
    assert model.violations == []


def test_a_null_temperature_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel(["Hello"]) as model:
        provider(model, monkeypatch, temperature=None).ask(TALK)

    assert "temperature" not in model.completions[0].data


def test_the_wanted_reasoning_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel(["Hello"]) as model:
        provider(model, monkeypatch, reasoning="high").ask(TALK)

    assert model.completions[0].data["reasoning_effort"] == "high"


def test_what_is_meant_for_another_provider_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Message(role="system", text="Only for Claude", provider="anthropic")
    own = Message(role="system", text="Only for GPT", provider="openai")
    with FakeModel(["Hello"]) as model:
        provider(model, monkeypatch).ask([*TALK, other, own])

    assert "Only for Claude" not in model.completions[0].prompt
    assert "Only for GPT" in model.completions[0].prompt


def declined(words: str) -> Reply:
    """The answer of a model that refuses in a field of its own."""
    message = {"role": "assistant", "content": None, "refusal": words}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice]}
    return Reply(raw=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(text="", finish_reason="content_filter"), "content filter"),
        (declined("I will not."), "I will not."),
    ],
)
def test_a_model_that_declines_is_the_agents_failure(monkeypatch: pytest.MonkeyPatch, reply: Reply, words: str) -> None:
    with FakeModel([reply]) as model, pytest.raises(AgentError, match=words) as failed:
        provider(model, monkeypatch).ask(TALK)

    assert failed.value.code == "agent_failed"


def test_a_server_without_usage_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel([Reply(text="Hello", reports_usage=False)]) as model:
        reply = provider(model, monkeypatch).ask(TALK)

    assert (reply.input_tokens, reply.output_tokens) == (None, None)


def test_an_answer_at_the_output_limit_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel([Reply(text="Hel", finish_reason="length")]) as model:
        assert provider(model, monkeypatch).ask(TALK).truncated


def picky(*refusals: tuple[str, str]) -> Any:
    """A server that refuses requests holding a parameter, in the words given."""

    def decide(data: dict[str, Any]) -> Reply:
        for parameter, words in refusals:
            if parameter in data:
                error = ApiError(message=words, type="invalid_request_error", param=parameter)
                return Reply(status=400, error=error)
        return Reply(text="Hello")

    return decide


@pytest.mark.parametrize(
    ("refusals", "sent"),
    [
        ([("temperature", "'temperature' does not support 0.0 with this model.")], {"max_tokens": 500}),
        (
            [("max_tokens", "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")],
            {"max_completion_tokens": 500, "temperature": 0.0},
        ),
        (
            [("max_tokens", "'max_tokens' is too large: 500."), ("max_completion_tokens", "max_tokens is too large")],
            {"temperature": 0.0},
        ),
        (
            [("reasoning_effort", "Unrecognized request argument supplied: reasoning_effort")],
            {"max_tokens": 500, "temperature": 0.0},
        ),
        (
            [("max_tokens", "no max_tokens here"), ("temperature", "no temperature here")],
            {"max_completion_tokens": 500},
        ),
    ],
)
def test_what_a_server_refuses_is_left_out_from_then_on(
    monkeypatch: pytest.MonkeyPatch, refusals: list[tuple[str, str]], sent: dict[str, Any]
) -> None:
    with FakeModel(picky(*refusals)) as model:
        asking = provider(model, monkeypatch, reasoning="low" if "reasoning" in str(refusals) else None)
        first, second = asking.ask(TALK), asking.ask(TALK)

    assert (first.text, second.text) == ("Hello", "Hello")
    assert len(model.completions) == len(refusals) + 2
    for call in model.completions[-2:]:
        assert {key: value for key, value in call.data.items() if key not in ("model", "messages")} == sent


def gateway(status: int, code: str) -> Reply:
    return Reply(status=status, error=ApiError(message="in words", type="pithy", code=code))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (gateway(402, "token_limit"), "token_limit"),
        (gateway(402, "budget"), "budget"),
        (gateway(429, "llm_rate_limit"), "llm_rate_limit"),
        (gateway(401, "llm_auth"), "llm_auth"),
        (gateway(504, "llm_timeout"), "llm_timeout"),
        (gateway(502, "llm_service"), "llm_service"),
        (gateway(403, "pithy_refused"), "llm_service"),
        (model_replies.unauthorized(), "llm_auth"),
        (Reply(status=403, error=ApiError(message="no", type="x")), "llm_auth"),
        (model_replies.rate_limited(), "llm_rate_limit"),
        (model_replies.server_error(), "llm_service"),
        (Reply(status=504, error=ApiError(message="slow", type="x")), "llm_timeout"),
        (model_replies.context_exceeded(), "llm_service"),
        (model_replies.cut(), "llm_service"),
        (model_replies.nonsense(), "llm_service"),
        (Reply(raw=b"{}"), "llm_service"),
    ],
)
def test_every_failure_has_its_code_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, answer: Reply, code: str
) -> None:
    with FakeModel([answer]) as model, pytest.raises(ProviderError) as failed:
        provider(model, monkeypatch).ask(TALK)

    assert failed.value.code == code
    assert len(model.completions) == 1


def test_the_servers_words_are_kept_and_the_key_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        FakeModel() as model,
        pytest.raises(ProviderError, match=r"401: Incorrect API key provided\.$") as failed,
    ):
        provider(model, monkeypatch, key="sk-wrong-canary").ask(TALK)

    assert failed.value.detail["http_status"] == 401
    assert "canary" not in f"{failed.value.message}{failed.value.detail}"


def test_no_answer_in_time_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel([model_replies.hang()]) as model, pytest.raises(ProviderError, match="within") as failed:
        provider(model, monkeypatch, timeout=0.3).ask(TALK)

    assert failed.value.code == "llm_timeout"


def test_a_server_that_is_not_there_is_a_service_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel() as model:
        asking = provider(model, monkeypatch)

    with pytest.raises(ProviderError, match="cannot be reached") as failed:
        asking.ask(TALK)

    assert failed.value.code == "llm_service"


def test_the_script_answers_in_order_and_then_fails() -> None:
    replies = [Scripted(text="one", finish_reason="stop"), Scripted(text="two", finish_reason="length")]
    scripted = ScriptedProvider(replies)

    answers = [scripted.ask(TALK), scripted.ask(TALK)]

    assert [(answer.text, answer.truncated) for answer in answers] == [("one", False), ("two", True)]
    with pytest.raises(AgentError, match="no more replies") as failed:
        scripted.ask(TALK)
    assert failed.value.code == "agent_failed"


def never() -> bool:
    """Somebody listens at the host's address all the time."""
    return False


def test_the_gateway_may_hold_a_call_back_before_the_sdk_gives_up(tmp_path: Path) -> None:
    for name in ("openai", "anthropic"):
        patient = for_job(make_job(tmp_path / name, provider=name, model="m", call_timeout=100.0), print, never)

        assert isinstance(patient, Patient)
        made = patient.provider
        assert isinstance(made, OpenAIProvider | AnthropicProvider)
        assert made.timeout == pytest.approx(100 * 1.1 + 330)


def test_a_job_names_its_model_and_how_much_it_may_write(tmp_path: Path) -> None:
    job = make_job(tmp_path, provider="anthropic", model="m", max_output_tokens=64_000, reasoning="low")
    patient = for_job(job, print, never)

    assert patient.name == "anthropic m"
    assert isinstance(patient, Patient)
    made = patient.provider
    assert isinstance(made, AnthropicProvider)
    assert (made.max_output_tokens, made.reasoning) == (64_000, "low")


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    sdks = {"openai", "anthropic", "httpx2", "pydantic"}
    code = f"import sys, runner.__main__; sys.exit(bool({sdks} & sys.modules.keys()))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=100, check=False)

    assert done.returncode == 0
