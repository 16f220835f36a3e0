"""The Messages API through the anthropic SDK: Anthropic itself, and servers that speak its API.

Address and key come from the environment, the SDK is imported inside the call: as in `openai`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from runner.errors import AgentError
from runner.job import Effort
from runner.providers import failures
from runner.providers.base import Message, Reply, clean, meant_for

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import Message as Answer
    from anthropic.types import MessageParam, RawMessageDeltaEvent, RawMessageStreamEvent
    from anthropic.types.message_create_params import MessageCreateParamsBase

_Thinking = Literal["adaptive", "budget", "none"]
# Newer models decide themselves how long they think, older ones take a number of tokens, the oldest do not think.
_NEXT_THINKING: dict[_Thinking, _Thinking] = {"adaptive": "budget", "budget": "none"}
_BUDGET_SHARE: dict[Effort, float] = {"low": 0.125, "medium": 0.25, "high": 0.5}
"""Of the output limit, which thinking counts towards."""
_LEAST_BUDGET = 1024
"""The API's own bound; the output limit must be above it."""
_WHOLE_AT_MOST = 8_192
"""Output tokens. For more the SDK asks for a stream: for some models at once, for all of them from 21,334 on."""
_CUT_OFF = ("max_tokens", "model_context_window_exceeded")


@dataclass(kw_only=True)
class AnthropicProvider:
    """One model of one server. What the server refuses to take is left out from then on."""

    model: str
    reasoning: Effort | None
    max_output_tokens: int
    timeout: float
    """Seconds of silence until the SDK gives up."""
    _thinking: _Thinking = field(default="adaptive", init=False)

    @property
    def name(self) -> str:
        return f"anthropic {self.model}"

    def ask(self, messages: Sequence[Message]) -> Reply:
        """Ask for one message. Raises ProviderError; AgentError when the model declines to answer."""
        import anthropic
        import httpx2

        try:
            with anthropic.Anthropic(max_retries=0, timeout=self.timeout) as client:
                reply = _reply(self._complete(client, meant_for("anthropic", messages)))
                return replace(reply, provider="anthropic", model=self.model)
        except (anthropic.APITimeoutError, httpx2.TimeoutException) as error:
            raise failures.timed_out(self.timeout) from error
        except anthropic.APIStatusError as error:
            raise failures.refused(error.status_code, error.type, error) from error
        except (anthropic.AnthropicError, httpx2.HTTPError) as error:  # inside a stream httpx2's own come through
            raise failures.unreachable(error) from error
        except ValueError as error:  # the SDK's JSON decoder
            raise failures.unreadable(f"not JSON: {failures.words(error)}") from error

    def _complete(self, client: anthropic.Anthropic, messages: Sequence[Message]) -> object:
        import anthropic

        while True:
            try:
                return self._create(client, self._params(messages))
            except anthropic.BadRequestError as error:
                if not self._leave_out(error):
                    raise

    def _create(self, client: anthropic.Anthropic, params: MessageCreateParamsBase) -> object:
        if self.max_output_tokens <= _WHOLE_AT_MOST:
            return client.messages.create(**params)
        with client.messages.create(**params, stream=True) as events:
            return _gathered(events)

    def _params(self, messages: Sequence[Message]) -> MessageCreateParamsBase:
        params: MessageCreateParamsBase = {
            "model": self.model,
            "max_tokens": self.max_output_tokens,
            "system": "\n\n".join(message.text for message in messages if message.role == "system"),
            "messages": [_param(message) for message in messages if message.role != "system"],
        }
        if self.reasoning is None:
            return params
        if self._thinking == "adaptive":
            params["thinking"] = {"type": "adaptive"}
            params["output_config"] = {"effort": self.reasoning}
        elif self._thinking == "budget" and self.max_output_tokens > _LEAST_BUDGET:
            budget = max(_LEAST_BUDGET, int(self.max_output_tokens * _BUDGET_SHARE[self.reasoning]))
            params["thinking"] = {"type": "enabled", "budget_tokens": budget}
        return params

    def _leave_out(self, error: anthropic.BadRequestError) -> bool:
        """Ask for thinking in the next older way when a 400 complains about it; False when it is not about that."""
        about = error.message
        if self.reasoning is None or self._thinking not in _NEXT_THINKING:
            return False
        if not any(word in about for word in ("thinking", "effort", "output_config", "budget_tokens")):
            return False
        self._thinking = _NEXT_THINKING[self._thinking]
        return True


def _param(message: Message) -> MessageParam:
    if message.role == "assistant":
        return {"role": "assistant", "content": message.text}
    return {"role": "user", "content": message.text}


def _gathered(events: Iterable[RawMessageStreamEvent]) -> Answer | None:
    """The message of a stream; None when the stream ends before it does."""
    from anthropic.types import TextBlock

    message: Answer | None = None
    text: list[str] = []
    for event in events:
        if event.type == "message_start":
            message = event.message
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            text.append(event.delta.text)
        elif event.type == "message_delta" and message is not None:
            message.stop_reason, message.stop_details = event.delta.stop_reason, event.delta.stop_details
            if _usage(message) and _usage(event):
                message.usage.output_tokens = event.usage.output_tokens
        elif event.type == "message_stop" and message is not None:
            message.content = [TextBlock(type="text", text="".join(text))]
            return message
    return None


def _usage(said: Answer | RawMessageDeltaEvent) -> bool:
    """Whether the server says it: the SDK does not check what is left out."""
    return getattr(said, "usage", None) is not None


def _reply(answer: object) -> Reply:
    """The text blocks. Raises ProviderError when the server's 200 is not a message, AgentError for a refusal."""
    from anthropic.types import Message as Answer

    if answer is None:
        raise failures.unreadable("cut off: its stream ended early")
    if not isinstance(answer, Answer) or not isinstance(answer.content, list):
        raise failures.unreadable("not a message")
    if answer.stop_reason == "refusal":
        raise AgentError(f"the model declines the task: {_why(answer)}")
    usage = answer.usage if _usage(answer) else None
    read = usage and (usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
    return Reply(
        text=clean("".join(block.text for block in answer.content if block.type == "text")),
        finish_reason="length" if answer.stop_reason in _CUT_OFF else "stop",
        input_tokens=sum(count or 0 for count in read) if read else None,
        output_tokens=usage.output_tokens if usage else None,
    )


def _why(answer: Answer) -> str:
    details = answer.stop_details
    said = details and (details.explanation or details.category)
    return clean(said)[:1000] if said else "its provider's policy stopped the answer"
