"""The second model is asked when the first one's service fails, and for no other reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import AgentError, ProviderError
from runner.providers import Provider, for_job
from runner.providers.base import Message
from tests.fakes import model_replies
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import ApiError, Reply
from tests.runner.support import make_job

TALK = [Message(role="system", text="You are"), Message(role="user", text="Do")]
CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-5-5"}


class Both:
    """OpenAI first, Anthropic second, and what was said about it."""

    def __init__(self, tmp_path: Path, first: FakeModel, second: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", first.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", second.anthropic_url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-key")
        self.said: list[str] = []
        self.first, self.second = first, second
        job = make_job(
            tmp_path, provider="openai", fallback=CLAUDE, fallback_max_output_tokens=4_000, max_output_tokens=2_000
        )
        self.model: Provider = for_job(job, self.said.append, lambda: False)


def gateway(status: int, code: str) -> Reply:
    return Reply(status=status, error=ApiError(message="in words", type="pithy", code=code))


@pytest.mark.parametrize(
    "failure", [model_replies.server_error(), gateway(502, "llm_service"), gateway(504, "llm_timeout")]
)
def test_a_failed_service_hands_over_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Reply) -> None:
    with FakeModel([failure]) as first, FakeModel(["from Claude", "again"]) as second:
        both = Both(tmp_path, first, second, monkeypatch)
        assert both.model.name == "openai gpt-4o"
        replies = [both.model.ask(TALK).text, both.model.ask(TALK).text]

    assert replies == ["from Claude", "again"]
    assert (len(first.completions), len(second.completions)) == (1, 2)
    assert both.model.name == "anthropic claude-sonnet-5-5"
    (line,) = both.said
    assert failure.error is not None
    said = f"the model server answered {failure.status}: {failure.error.message}"
    assert line == f"openai gpt-4o failed ({said}): asking anthropic claude-sonnet-5-5"
    assert second.completions[0].data["max_tokens"] == 4_000
    assert second.violations == []


@pytest.mark.parametrize(
    "failure",
    [
        model_replies.unauthorized(),
        model_replies.rate_limited(),
        gateway(402, "token_limit"),
        gateway(402, "budget"),
        gateway(429, "llm_rate_limit"),
    ],
)
def test_what_another_model_does_not_mend_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Reply
) -> None:
    with FakeModel([failure, "from GPT"]) as first, FakeModel() as second:
        both = Both(tmp_path, first, second, monkeypatch)
        with pytest.raises(ProviderError):
            both.model.ask(TALK)
        assert both.model.ask(TALK).text == "from GPT"

    assert second.calls == []
    assert both.said == []


def test_a_model_that_declines_is_not_gone_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel([Reply(finish_reason="content_filter")]) as first, FakeModel() as second:
        both = Both(tmp_path, first, second, monkeypatch)
        with pytest.raises(AgentError):
            both.model.ask(TALK)

    assert second.calls == []


def test_when_both_fail_both_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModel([model_replies.server_error()]) as first, FakeModel([model_replies.unauthorized()]) as second:
        both = Both(tmp_path, first, second, monkeypatch)
        with pytest.raises(ProviderError) as failed:
            both.model.ask(TALK)

    assert failed.value.code == "llm_auth"
    assert "401" in failed.value.message
    assert "asked because openai gpt-4o had failed: the model server answered 500" in failed.value.message
