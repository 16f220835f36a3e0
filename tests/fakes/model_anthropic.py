"""The JSON of Anthropic's Messages API as the fake model sends it; the same functions as `model_shapes`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fakes.model_replies import Reply, pieces_of

PREFIX = "/v1/messages"
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_FIELDS = frozenset({
    "model", "messages", "max_tokens", "system", "stop_sequences", "stream", "temperature", "top_k", "top_p", "tools",
    "tool_choice", "thinking", "output_config", "cache_control", "metadata", "service_tier", "container",
    "inference_geo",
})  # fmt: skip
"""What a request may hold without a beta: the real API refuses any other name."""
_SAMPLING = frozenset({"temperature", "top_k", "top_p"})
NEW_VERSION = "2026-10-21"
"""The API version that knows no sampling parameters any more."""


def error_body(reply: Reply) -> bytes:
    """Anthropic's error envelope: the type follows from the status; an empty account is a code in the details."""
    assert reply.error is not None
    fields: dict[str, Any] = {"type": _KINDS.get(reply.status, "api_error"), "message": reply.error.message}
    if reply.error.code == "insufficient_quota":
        fields["details"] = {"error_code": "enforced_spend_limit_reached"}
    return json.dumps({"type": "error", "error": fields, "request_id": "req_0"}).encode()


def models_body(models: tuple[str, ...]) -> bytes:
    """Answer of GET /v1/models: one page."""
    data = [_model(name) for name in models]
    page = {"data": data, "has_more": False, "first_id": models[0], "last_id": models[-1]}
    return json.dumps(page).encode()


def model_body(name: str) -> bytes:
    """Answer of GET /v1/models/{name}."""
    return json.dumps(_model(name)).encode()


def count_body(data: Mapping[str, Any]) -> bytes:
    """Answer of POST /v1/messages/count_tokens: a quarter of the request's characters."""
    return json.dumps({"input_tokens": len(json.dumps(data)) // 4}).encode()


def whole_body(path: str, reply: Reply, data: Mapping[str, Any], number: int) -> bytes:
    """Answer of POST /v1/messages without streaming."""
    del path
    message = _message(data["model"], number, reply, content=[{"type": "text", "text": reply.text}])
    return json.dumps(message | {"stop_reason": _stop_reason(reply)}).encode()


def stream_head(reply: Reply, data: Mapping[str, Any], number: int) -> bytes:
    """`message_start` and the beginning of the one block."""
    message = _message(data["model"], number, reply, content=[])
    if reply.reports_usage:
        message["usage"]["output_tokens"] = 1
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return _event({"type": "message_start", "message": message}) + _event(block) + _event({"type": "ping"})


def stream_pieces(reply: Reply, data: Mapping[str, Any], number: int) -> Iterator[bytes]:
    """The events that carry the text."""
    del data, number
    for piece in pieces_of(reply):
        yield _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})


def stream_tail(reply: Reply, data: Mapping[str, Any], number: int) -> bytes:
    """The end of the block, why the model stopped, how many tokens it wrote, the end."""
    del data, number
    end: dict[str, Any] = {
        "type": "message_delta",
        "delta": {"stop_reason": _stop_reason(reply), "stop_sequence": None},
    }
    if reply.reports_usage:
        end["usage"] = {"output_tokens": reply.completion_tokens}
    stop = _event({"type": "content_block_stop", "index": 0})
    return stop + _event(end) + _event({"type": "message_stop"})


def fault(path: str, headers: Mapping[str, str], data: Mapping[str, Any] | None) -> str | None:
    """What Anthropic would say about the shape of this request, None when it is good."""
    version = headers.get("anthropic-version")
    if version is None:
        return "anthropic-version: header is required"
    if data is None:
        return "The request body is not valid JSON."
    if unknown := sorted(set(data) - (_FIELDS - _SAMPLING if version == NEW_VERSION else _FIELDS)):
        return f"{unknown[0]}: Extra inputs are not permitted"
    if not isinstance(data.get("model"), str):
        return "model: Field required"
    limit = data.get("max_tokens")
    if path == PREFIX and (not isinstance(limit, int) or limit < 1):
        return "max_tokens: Field required" if limit is None else "max_tokens: must be greater than or equal to 1"
    return _messages_fault(data.get("messages"))


def _messages_fault(messages: Any) -> str | None:
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
            return f"messages.{number}.role: Input should be 'user', 'assistant' or 'system'"
        if not message.get("content"):
            return f"messages.{number}: all messages must have non-empty content"
    return None


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model", "id": name, "display_name": name, "created_at": "2026-01-02T03:04:05Z", "lifecycle": "active"
    }  # fmt: skip


def _message(model: str, number: int, reply: Reply, *, content: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": f"msg_{number:08d}", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": None, "stop_sequence": None,
    }  # fmt: skip
    if reply.reports_usage:
        message["usage"] = {
            "input_tokens": reply.prompt_tokens - reply.cached_tokens - reply.cache_write_tokens,
            "cache_creation_input_tokens": reply.cache_write_tokens,
            "cache_read_input_tokens": reply.cached_tokens,
            "output_tokens": reply.completion_tokens,
            "service_tier": "standard",
        }
    return message


def _stop_reason(reply: Reply) -> str:
    return _STOP_REASONS.get(reply.finish_reason, reply.finish_reason)


def _event(data: Mapping[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()
