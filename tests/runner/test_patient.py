"""A call that the host's end cut off is made again once somebody listens there; not for ever where somebody does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from runner.errors import ProviderError, Unreachable
from runner.providers import Message, Reply
from runner.providers.openai import OpenAIProvider
from runner.providers.patient import CUTS, Patient
from tests.fakes.model import FakeModel

TALK = [Message(role="user", text="hello")]
ANSWER = Reply(text="at last", finish_reason="stop")


class Failing:
    """Implements `Provider`: raises what the test gives, in order, then answers."""

    name = "failing model"

    def __init__(self, *failures: ProviderError) -> None:
        self._failures: Iterator[ProviderError] = iter(failures)
        self.asked = 0

    def ask(self, messages: Sequence[Message]) -> Reply:
        self.asked += 1
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        return ANSWER


def cut() -> Unreachable:
    return Unreachable("llm_service", "cut off")


def test_a_host_that_was_away_is_asked_again_however_often_it_goes() -> None:
    model = Failing(*(cut() for _ in range(CUTS * 2)))

    assert Patient(model, lambda: True, pause=0).ask(TALK) == ANSWER
    assert model.asked == CUTS * 2 + 1


def test_a_connection_that_breaks_although_somebody_listens_is_no_good_in_the_end() -> None:
    model = Failing(*(cut() for _ in range(CUTS * 2)))

    with pytest.raises(Unreachable):
        Patient(model, lambda: False, pause=0).ask(TALK)
    assert model.asked == CUTS


def test_what_the_gateway_itself_answers_is_not_asked_again() -> None:
    model = Failing(ProviderError("llm_service", "the model server answered 500"))

    with pytest.raises(ProviderError, match="500"):
        Patient(model, lambda: True, pause=0).ask(TALK)
    assert model.asked == 1


def test_the_real_sdk_asks_again_once_the_host_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with FakeModel(["back"]) as model:

        def comes_back() -> bool:
            monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
            return True

        provider = OpenAIProvider(model="gpt-4o", temperature=0, reasoning=None, max_output_tokens=100, timeout=20)
        assert Patient(provider, comes_back, pause=0).ask(TALK).text == "back"
