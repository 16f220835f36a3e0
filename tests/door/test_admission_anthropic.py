"""Anthropic's API through an attacker's eyes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.door.test_admission import let_in, refused

REMOTE = "https://leak.example.org/?data=secret"
INLINE = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
BOTH = pytest.mark.parametrize("api", ["message", "count"])


def user(*blocks: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(blocks)}]


def result(*blocks: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "1", "content": list(blocks)}


@BOTH
@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"type": "image", "source": {"type": "url", "url": REMOTE}}, "url"),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, "file"),
        ({"type": "image", "source": {"url": REMOTE}}, "url"),
        ({"type": "image", "source": {**INLINE, "file_id": "file_1"}}, "file_id"),
        ({"type": "image", "source": {**INLINE, "fallback": REMOTE}}, "fallback"),
        ({"type": "document", "source": {"type": "url", "url": REMOTE}}, "url"),
        ({"type": "document", "source": {"type": "content", "content": [
            {"type": "image", "source": {"type": "url", "url": REMOTE}}]}}, "url"),
        (result({"type": "image", "source": {"type": "url", "url": REMOTE}}), "url"),
        (result({"type": "document", "source": {"type": "file", "file_id": "file_1"}}), "file"),
        (result(result({"type": "image", "source": {"type": "url", "url": REMOTE}})), "url"),
        ({"type": "container_upload", "file_id": "file_1"}, "container_upload"),
        ({"type": "server_tool_use", "id": "1", "name": "web_fetch", "input": {"url": REMOTE}}, "server_tool_use"),
        ({"type": "web_fetch_tool_result", "content": {}}, "web_fetch_tool_result"),
        ({"type": "mcp_tool_use", "id": "1", "input": {}}, "mcp_tool_use"),
        ({"type": "tool_addition", "tools": [{"type": "web_search_20250305"}]}, "tool_addition"),
        ({"type": 5}, "5"),
    ],
)  # fmt: skip
def test_content_that_reaches_out_is_refused_by_name(api: str, block: dict[str, Any], named: str) -> None:
    for changes in ({"messages": user({"type": "text", "text": "hi"}, block)}, {"system": [block]}):
        refusal = refused(api, **changes)
        assert (refusal.status, refusal.code) == (403, "pithy_refused")
        assert named in refusal.message
        assert "leak.example.org" not in refusal.message


@BOTH
def test_ordinary_conversations_pass_as_they_are(api: str) -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": REMOTE},
        {"role": "user", "content": [
            {"type": "text", "text": REMOTE, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "image", "source": INLINE},
            {"type": "document", "title": REMOTE, "context": REMOTE, "citations": {"enabled": True},
             "source": {"type": "text", "media_type": "text/plain", "data": REMOTE}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
            {"type": "search_result", "source": REMOTE, "title": "t", "content": [{"type": "text", "text": "x"}]},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": REMOTE, "signature": "abc"},
            {"type": "redacted_thinking", "data": "abc"},
            {"type": "text", "text": "t", "citations": [
                {"type": "char_location", "cited_text": REMOTE, "document_index": 0, "document_title": None}]},
            {"type": "tool_use", "id": "1", "name": "fetch", "input": {"url": REMOTE, "type": "url", "file_id": "x"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "1", "content": REMOTE},
            result({"type": "text", "text": REMOTE}, {"type": "image", "source": INLINE}),
        ]},
    ]  # fmt: skip
    system = [{"type": "text", "text": REMOTE, "cache_control": {"type": "ephemeral"}}]
    body = let_in(api, messages=messages, system=system, thinking={"type": "adaptive"})[1]
    assert (body["messages"], body["system"]) == (messages, system)
    assert let_in(api, system=REMOTE)[1]["system"] == REMOTE


@BOTH
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mcp_servers", [{"type": "url", "url": REMOTE}]),
        ("container", "container_1"),
        ("container", {"skills": [{"type": "anthropic", "skill_id": "xlsx"}]}),
        ("fallbacks", [{"model": "claude-opus-5-5"}]),
        ("thread", {"id": "t"}),
    ],
)
def test_what_runs_or_is_stored_at_the_provider_is_refused(api: str, field: str, value: Any) -> None:
    refusal = refused(api, **{field: value})
    assert (refusal.status, field in refusal.message) == (403, True)
    assert field not in let_in(api, **{field: None})[1]


@BOTH
@pytest.mark.parametrize(
    "kind",
    [
        "web_search_20250305",
        "web_search_20260318",
        "web_fetch_20250910",
        "code_execution_20250825",
        "bash_code_execution_20250825",
        "tool_search_tool_regex_20251119",
        "advisor_20260301",
        "mcp_toolset",
        "browser_toolset_20260801",
        "memory",
        "bash_20250124_web",
        "computer_",
        "",
        5,
        ["custom"],
    ],
)
def test_a_tool_of_the_providers_is_refused(api: str, kind: Any) -> None:
    refusal = refused(api, tools=[{"name": "own", "input_schema": {}}, {"type": kind, "name": "x"}])
    assert (refusal.status, refusal.code) == (403, "pithy_refused")


@BOTH
def test_the_tools_that_the_caller_runs_pass(api: str) -> None:
    schema = {"type": "object", "properties": {"url": {"type": "string", "default": REMOTE}}}
    tools: list[dict[str, Any]] = [
        {"name": "own", "description": REMOTE, "input_schema": schema},
        {"type": None, "name": "own2", "input_schema": schema},
        {"type": "custom", "name": "own3", "input_schema": schema},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
        {"type": "computer_20251124", "name": "computer", "display_width_px": 1, "display_height_px": 1},
        {"type": "computer_toolset_20260801"},
        {"type": "memory_20250818", "name": "memory"},
    ]
    assert let_in(api, tools=tools)[1]["tools"] == tools


def test_the_account_is_not_the_sandboxs_to_choose() -> None:
    body = let_in(
        "message", service_tier="auto", speed="fast", inference_geo="us", diagnostics={"previous_message_id": "m"}
    )[1]
    assert set(body) == {"model", "messages", "max_tokens"}
