"""Anthropic's API: what a message and a token count may ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pithy_local.door.admission import Judged, Terms, bounded
from pithy_local.door.content import Grammar, flag, inspect, judge_tools, select, type_of

_COUNT_FIELDS = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control")
_FIELDS = (
    *_COUNT_FIELDS, "max_tokens", "metadata", "stop_sequences", "stream", "temperature", "top_k", "top_p",
)  # fmt: skip
_REFUSED = ("container", "mcp_servers", "fallbacks", "thread")
_CLIENT_TOOL = re.compile(r"(bash|text_editor|computer|computer_toolset|memory)_[0-9]{8}")

_CONTENT = Grammar(
    types=frozenset({
        "text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result",
        "tool_reference", "base64", "content", "ephemeral", "direct", "char_location", "page_location",
        "content_block_location", "search_result_location",
    }),
    opaque={"tool_use": frozenset({"input"})},
    texts=frozenset({
        "cited_text", "content", "context", "data", "document_title", "id", "signature", "source", "system", "text",
        "thinking", "title",
    }),
)  # fmt: skip
"""Without the sources `url` and `file`, and without what the provider's own tools leave behind."""


def message(document: Mapping[str, Any], terms: Terms) -> Judged:
    """A message, whole or as a stream."""
    body = _judged(document, _FIELDS)
    flag(body, "stream")
    return bounded(body, ("max_tokens",), terms, add="max_tokens")


def token_count(document: Mapping[str, Any], terms: Terms) -> Judged:
    """A count of tokens, which costs nothing."""
    del terms
    return Judged(document=_judged(document, _COUNT_FIELDS), output_tokens=0)


def _judged(document: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    body = select(document, passed=fields, refused=_REFUSED)
    inspect("messages", body.get("messages"), _CONTENT)
    inspect("system", body.get("system"), _CONTENT)
    judge_tools(body.get("tools"), _runs_here)
    return body


def _runs_here(tool: Mapping[str, Any]) -> bool:
    """Whether the caller runs the tool itself: its own, or one whose input alone is Anthropic's design."""
    kind = type_of(tool)
    return tool.get("type") is None or kind == "custom" or bool(_CLIENT_TOOL.fullmatch(kind))
