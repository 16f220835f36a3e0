"""OpenAI's API: what a chat completion, a response and an embedding may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithy_local.door.admission import Judged, Terms, bounded
from pithy_local.door.content import Grammar, flag, inspect, judge_tools, refuse, select, type_of, wrong

_COMMON = (
    "model", "stream", "temperature", "top_p", "top_logprobs", "parallel_tool_calls", "prompt_cache_key",
    "safety_identifier", "stream_options", "tool_choice", "tools", "user",
)  # fmt: skip
_OF_COMPATIBLE_SERVERS = ("top_k", "min_p", "repetition_penalty")
_CHAT_FIELDS = (
    *_COMMON, *_OF_COMPATIBLE_SERVERS, "messages", "frequency_penalty", "function_call", "functions", "logit_bias",
    "logprobs", "max_completion_tokens", "max_tokens", "prediction", "presence_penalty", "reasoning_effort",
    "response_format", "seed", "stop", "verbosity",
)  # fmt: skip
# Left out on purpose: `n`, so that there is one answer, and `store`. The last three reach out at resellers.
_CHAT_REFUSED = ("web_search_options", "plugins", "search_parameters", "mcp_servers")
_RESPONSE_FIELDS = (
    *_COMMON, "input", "instructions", "include", "max_output_tokens", "max_tool_calls", "reasoning", "text",
    "truncation",
)  # fmt: skip
_RESPONSE_REFUSED = ("background", "conversation", "previous_response_id", "prompt")

_TEXTS = frozenset({
    "arguments", "content", "context", "encrypted_content", "filename", "id", "input", "name", "output", "reasoning",
    "reasoning_content", "refusal", "stderr", "stdout", "summary", "text", "thinking", "title", "token",
})  # fmt: skip
_CHAT = Grammar(
    types=frozenset({
        "text", "refusal", "image_url", "input_audio", "audio_url", "video_url", "file", "function", "custom",
        "content", "ephemeral", "reasoning.text", "reasoning.summary", "reasoning.encrypted", "thinking",
    }),
    opaque={"function": frozenset({"function"}), "custom": frozenset({"custom"})},
    texts=_TEXTS,
)  # fmt: skip
_RESPONSE = Grammar(
    types=frozenset({
        "message", "input_text", "input_image", "input_file", "input_audio", "output_text", "refusal", "text",
        "reasoning", "summary_text", "reasoning_text", "function_call", "function_call_output", "custom_tool_call",
        "custom_tool_call_output", "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output",
        "exit", "timeout", "apply_patch_call", "apply_patch_call_output", "computer_call", "computer_call_output",
        "computer_screenshot", "direct", "local",
    }),
    opaque={
        "local_shell_call": frozenset({"action"}), "shell_call": frozenset({"action"}),
        "apply_patch_call": frozenset({"operation"}),
        "computer_call": frozenset({"action", "actions", "pending_safety_checks"}),
        "computer_call_output": frozenset({"acknowledged_safety_checks"}),
    },
    texts=_TEXTS,
)  # fmt: skip
_CHAT_TOOLS = frozenset({"function", "custom"})
_RESPONSE_TOOLS = _CHAT_TOOLS | {"local_shell", "apply_patch", "computer", "computer_use_preview"}


def chat(document: Mapping[str, Any], terms: Terms) -> Judged:
    """A chat completion, one answer, never stored. A stream is asked for its usage: it tells it only then."""
    body = select(document, passed=_CHAT_FIELDS, refused=_CHAT_REFUSED)
    inspect("messages", body.get("messages"), _CHAT)
    inspect("prediction", body.get("prediction"), _CHAT)
    judge_tools(body.get("tools"), lambda tool: type_of(tool) in _CHAT_TOOLS)
    options = body.pop("stream_options", None)
    if flag(body, "stream"):
        body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    limit = "max_completion_tokens" if terms.own_server else None
    return bounded(body, ("max_completion_tokens", "max_tokens"), terms, add=limit)


def response(document: Mapping[str, Any], terms: Terms) -> Judged:
    """A response that stands for itself: nothing stored is read or left behind."""
    body = select(document, passed=_RESPONSE_FIELDS, refused=_RESPONSE_REFUSED)
    _judge_items(body.get("input"))
    inspect("input", body.get("input"), _RESPONSE)
    judge_tools(body.get("tools"), _runs_here)
    flag(body, "stream")
    body["store"] = False
    return bounded(body, ("max_output_tokens",), terms, add="max_output_tokens" if terms.own_server else None)


def embedding(document: Mapping[str, Any], terms: Terms) -> Judged:
    """Vectors for texts or tokens; other kinds of input would be addresses."""
    del terms  # it writes nothing
    body = select(document, passed=("model", "input", "dimensions", "encoding_format", "user"))
    given = body.get("input")
    items = given if isinstance(given, list) else [given]
    for item in items:
        tokens = item if isinstance(item, list) else []
        if not isinstance(item, str | int | list) or not all(isinstance(token, int) for token in tokens):
            raise wrong("input", "text, or tokens, or a list of them")
    return Judged(document=body, output_tokens=0)


def _judge_items(items: Any) -> None:
    """An item without a type is a message; without a role or content, too, it is a reference to a stored one."""
    if isinstance(items, list):
        for item in items:
            if not isinstance(item, dict):
                raise wrong("input", "text or a list of items")
            if item.get("type") is None and not (item.get("role") and "content" in item):
                raise refuse("a reference to a stored item")


def _runs_here(tool: Mapping[str, Any]) -> bool:
    """Whether the caller runs the tool itself: `shell` may also mean a container of the provider's."""
    kind = type_of(tool)
    if kind == "namespace":
        judge_tools(tool.get("tools"), lambda inner: type_of(inner) in _CHAT_TOOLS)
        return True
    if kind == "shell":
        environment = tool.get("environment")
        return isinstance(environment, dict) and environment.get("type") == "local"
    return kind in _RESPONSE_TOOLS
