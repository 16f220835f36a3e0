"""Providers: the real SDK against a server on loopback, and the script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.errors import AgentError, ProviderError
from runner.providers.base import Message
from runner.providers.openai import OpenAIProvider
from runner.providers.scripted import ScriptedProvider
from tests.fakes import model_replies
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import ApiError, Reply

ROOT = Path(__file__).parents[2]
TALK = [Message(role="system", text="You are"), Message(role="user", text="Do"), Message(role="assistant", text="Done")]


def provider(model: FakeModel, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> OpenAIProvider:
    """The provider as in the sandbox: address and key come from the environment."""
    monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", changes.pop("key", "sk-test-key"))
    fields = {"model": "gpt-4o", "temperature": 0.0, "max_output_tokens": 500, "timeout": 20.0, **changes}
    return OpenAIProvider(**fields)


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
            [("max_tokens", "no max_tokens here"), ("temperature", "no temperature here")],
            {"max_completion_tokens": 500},
        ),
    ],
)
def test_what_a_server_refuses_is_left_out_from_then_on(
    monkeypatch: pytest.MonkeyPatch, refusals: list[tuple[str, str]], sent: dict[str, Any]
) -> None:
    with FakeModel(picky(*refusals)) as model:
        asking = provider(model, monkeypatch)
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
    with FakeModel() as model, pytest.raises(ProviderError, match=r"401: .*Incorrect API key") as failed:
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
    scripted = ScriptedProvider(["one", "two"])

    assert [scripted.ask(TALK).text, scripted.ask(TALK).text] == ["one", "two"]
    with pytest.raises(AgentError, match="no more replies") as failed:
        scripted.ask(TALK)
    assert failed.value.code == "agent_failed"


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, runner.__main__; sys.exit(bool({'openai', 'pydantic'} & sys.modules.keys()))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=50, check=False)

    assert done.returncode == 0
