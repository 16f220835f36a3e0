"""Chat Completions through the openai SDK: OpenAI itself, and servers that speak its API (Ollama, vLLM, llama.cpp …).

The SDK takes its address and key from the environment: both are the host's gateway. It is imported inside the call,
because it takes a second that neither a survey nor a scripted run should pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from runner.errors import AgentError
from runner.job import Effort
from runner.providers import failures
from runner.providers.base import Message, Reply, clean, meant_for

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

_Limit = Literal["max_tokens", "max_completion_tokens", "none"]
# Compatible servers know max_tokens, OpenAI's newer models only the other; some refuse a value above their window.
_NEXT_LIMIT: dict[_Limit, _Limit] = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "none"}


@dataclass(kw_only=True)
class OpenAIProvider:
    """One model of one server. What the server refuses to take is left out from then on."""

    model: str
    temperature: float | None
    reasoning: Effort | None
    max_output_tokens: int
    timeout: float
    """Seconds until the SDK gives up."""
    _limit: _Limit = field(default="max_tokens", init=False)

    @property
    def name(self) -> str:
        return f"openai {self.model}"

    def ask(self, messages: Sequence[Message]) -> Reply:
        """Ask for one completion. Raises ProviderError; AgentError when the model declines to answer."""
        import openai

        try:
            with openai.OpenAI(max_retries=0, timeout=self.timeout) as client:
                reply = _reply(self._complete(client, meant_for("openai", messages)))
                return replace(reply, provider="openai", model=self.model)
        except openai.APITimeoutError as error:
            raise failures.timed_out(self.timeout) from error
        except openai.APIStatusError as error:
            raise failures.refused(error.status_code, error.code, error) from error
        except openai.OpenAIError as error:
            raise failures.unreachable(error) from error
        except ValueError as error:  # the SDK's JSON decoder
            raise failures.unreadable(f"not JSON: {failures.words(error)}") from error

    def _complete(self, client: openai.OpenAI, messages: Sequence[Message]) -> object:
        import openai

        while True:
            try:
                return self._create(client, messages)
            except openai.BadRequestError as error:
                if not self._leave_out(error):
                    raise

    def _create(self, client: openai.OpenAI, messages: Sequence[Message]) -> ChatCompletion:
        from openai import omit

        return client.chat.completions.create(
            model=self.model,
            messages=[_param(message) for message in messages],
            temperature=omit if self.temperature is None else self.temperature,
            reasoning_effort=omit if self.reasoning is None else self.reasoning,
            max_tokens=self.max_output_tokens if self._limit == "max_tokens" else omit,
            max_completion_tokens=self.max_output_tokens if self._limit == "max_completion_tokens" else omit,
        )

    def _leave_out(self, error: openai.BadRequestError) -> bool:
        """Drop the parameter that a 400 complains about; False when it is about something else."""
        about = f"{error.param or ''} {error.message}"
        if self.temperature is not None and "temperature" in about:
            self.temperature = None
        elif self.reasoning is not None and "reasoning" in about:
            self.reasoning = None
        elif self._limit in _NEXT_LIMIT and ("max_tokens" in about or "max_completion_tokens" in about):
            self._limit = _NEXT_LIMIT[self._limit]
        else:
            return False
        return True


def _param(message: Message) -> ChatCompletionMessageParam:
    if message.role == "system":
        return {"role": "system", "content": message.text}
    if message.role == "assistant":
        return {"role": "assistant", "content": message.text}
    return {"role": "user", "content": message.text}


def _reply(completion: object) -> Reply:
    """The first choice. Raises ProviderError when the server's 200 is not a completion, AgentError for a refusal."""
    from openai.types.chat import ChatCompletion

    if not isinstance(completion, ChatCompletion) or not completion.choices:
        raise failures.unreadable("not a chat completion")
    choice, usage = completion.choices[0], completion.usage
    if choice.message.refusal or choice.finish_reason == "content_filter":
        said = choice.message.refusal or "its content filter stopped the answer"
        raise AgentError(f"the model declines the task: {clean(said)[:1000]}")
    return Reply(
        text=clean(choice.message.content or ""),
        finish_reason=str(choice.finish_reason),
        input_tokens=usage.prompt_tokens if usage else None,
        output_tokens=usage.completion_tokens if usage else None,
    )
