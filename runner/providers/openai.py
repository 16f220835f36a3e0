"""Chat Completions through the openai SDK: OpenAI itself, and servers that speak its API (Ollama, vLLM, llama.cpp …).

The SDK takes its address and key from the environment: both are the host's gateway. It is imported inside the call,
because it takes a second that neither a survey nor a scripted run should pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from runner.errors import ProviderCode, ProviderError
from runner.providers.base import Message, Reply

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

# The gateway ends a call at the time limit and says so; the SDK's own limit must not win that race.
_GRACE = 1.1
_MESSAGE_LIMIT = 500
_GATEWAY_CODES: dict[str, ProviderCode] = {
    "token_limit": "token_limit",
    "llm_timeout": "llm_timeout",
    "llm_service": "llm_service",
    "llm_auth": "llm_auth",
    "llm_rate_limit": "llm_rate_limit",
    "pithy_refused": "llm_service",
}
_STATUS_CODES: dict[int, ProviderCode] = {
    401: "llm_auth",
    403: "llm_auth",
    408: "llm_timeout",
    429: "llm_rate_limit",
    504: "llm_timeout",
}
_Limit = Literal["max_tokens", "max_completion_tokens", "none"]
# Compatible servers know max_tokens, OpenAI's newer models only the other; some refuse a value above their window.
_NEXT_LIMIT: dict[_Limit, _Limit] = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "none"}


@dataclass(kw_only=True)
class OpenAIProvider:
    """One model of one server. What the server refuses to take is left out from then on."""

    model: str
    temperature: float | None
    max_output_tokens: int
    timeout: float
    _limit: _Limit = field(default="max_tokens", init=False)

    def ask(self, messages: Sequence[Message]) -> Reply:
        """Ask for one completion. Raises ProviderError."""
        import openai

        try:
            with openai.OpenAI(max_retries=0, timeout=self.timeout * _GRACE) as client:
                return _reply(self._complete(client, messages))
        except openai.APITimeoutError as error:
            raise ProviderError("llm_timeout", f"no answer from the model within {self.timeout:g} s") from error
        except openai.APIStatusError as error:
            raise _status_error(error) from error
        except openai.OpenAIError as error:
            raise ProviderError("llm_service", f"the model cannot be reached: {_said(error)}") from error
        except ValueError as error:  # the SDK's JSON decoder
            raise ProviderError("llm_service", f"the model server's answer is not JSON: {_said(error)}") from error

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
            max_tokens=self.max_output_tokens if self._limit == "max_tokens" else omit,
            max_completion_tokens=self.max_output_tokens if self._limit == "max_completion_tokens" else omit,
        )

    def _leave_out(self, error: openai.BadRequestError) -> bool:
        """Drop the parameter that a 400 complains about; False when it is about something else."""
        about = f"{error.param or ''} {error.message}"
        if self.temperature is not None and "temperature" in about:
            self.temperature = None
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
    """The first choice. Raises ProviderError when the server's 200 is not a completion."""
    from openai.types.chat import ChatCompletion

    if not isinstance(completion, ChatCompletion) or not completion.choices:
        raise ProviderError("llm_service", "the model server's answer is not a chat completion")
    choice, usage = completion.choices[0], completion.usage
    return Reply(
        text=(choice.message.content or "").encode("utf-8", "replace").decode(),  # JSON may hold lone surrogates
        finish_reason=str(choice.finish_reason),
        input_tokens=usage.prompt_tokens if usage else None,
        output_tokens=usage.completion_tokens if usage else None,
    )


def _status_error(error: openai.APIStatusError) -> ProviderError:
    """The gateway's own code first, then what the status means."""
    code = _GATEWAY_CODES.get(error.code or "") or _STATUS_CODES.get(error.status_code, "llm_service")
    detail: dict[str, str | int] = {"http_status": error.status_code}
    if error.code:
        detail["code"] = error.code
    return ProviderError(code, f"the model server answered {error.status_code}: {_said(error)}", detail=detail)


def _said(error: Exception) -> str:
    return str(getattr(error, "message", "") or error)[:_MESSAGE_LIMIT]
