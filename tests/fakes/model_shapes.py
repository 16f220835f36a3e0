"""The JSON of OpenAI's API as the fake model sends it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.fakes.model_replies import ApiError, Reply

CREATED = 1767323045
"""Unix time that every answer carries."""


def error_body(error: ApiError) -> bytes:
    """OpenAI's error envelope."""
    fields = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return json.dumps({"error": fields}).encode()


def models_body(models: tuple[str, ...]) -> bytes:
    """Answer of GET /v1/models."""
    return json.dumps({"object": "list", "data": [_model(name) for name in models]}).encode()


def model_body(name: str) -> bytes:
    """Answer of GET /v1/models/{name}."""
    return json.dumps(_model(name)).encode()


def completion_body(reply: Reply, model: str, number: int) -> bytes:
    """Answer of POST /v1/chat/completions without streaming."""
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    body = _head(model, number, "chat.completion") | {"choices": [choice]}
    return json.dumps(body | ({"usage": _usage(reply)} if reply.reports_usage else {})).encode()


def stream_head(reply: Reply, model: str, number: int, *, include_usage: bool) -> bytes:
    """The first event of a stream: the role, no text."""
    return _chunk(reply, model, number, {"role": "assistant", "content": ""}, include_usage=include_usage)


def stream_pieces(reply: Reply, model: str, number: int, *, include_usage: bool) -> Iterator[bytes]:
    """The events that carry the text."""
    for piece in reply.pieces if reply.pieces is not None else re.findall(r"(?s).{1,24}", reply.text):
        yield _chunk(reply, model, number, {"content": piece}, include_usage=include_usage)


def stream_tail(reply: Reply, model: str, number: int, *, include_usage: bool) -> bytes:
    """The finish reason, the usage where it was asked for, and the end mark."""
    tail = _chunk(reply, model, number, {}, include_usage=include_usage, finish=reply.finish_reason)
    if include_usage and reply.reports_usage:
        tail += _event(_head(model, number, "chat.completion.chunk") | {"choices": [], "usage": _usage(reply)})
    return tail + b"data: [DONE]\n\n"


def response_body(reply: Reply, model: str, number: int) -> bytes:
    """Answer of POST /v1/responses without streaming."""
    content = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
    message = {
        "type": "message", "id": f"msg_{number:08d}", "status": "completed", "role": "assistant", "content": [content]
    }  # fmt: skip
    whole = reply.finish_reason == "stop"
    body = {
        "id": f"resp_{number:08d}", "object": "response", "created_at": CREATED, "model": model,
        "status": "completed" if whole else "incomplete", "error": None, "instructions": None, "metadata": {},
        "incomplete_details": None if whole else {"reason": "max_output_tokens"}, "output": [message],
        "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
    }  # fmt: skip
    usage = {
        "input_tokens": reply.prompt_tokens,
        "input_tokens_details": {"cached_tokens": reply.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": reply.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }
    return json.dumps(body | ({"usage": usage} if reply.reports_usage else {})).encode()


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "tests"}


def _head(model: str, number: int, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number:08d}", "object": kind, "created": CREATED, "model": model}


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _chunk(
    reply: Reply, model: str, number: int, delta: dict[str, str], *, include_usage: bool, finish: str | None = None
) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    usage = {"usage": None} if include_usage and reply.reports_usage else {}
    return _event(_head(model, number, "chat.completion.chunk") | {"choices": [choice]} | usage)


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
