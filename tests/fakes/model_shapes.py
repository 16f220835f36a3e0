"""The JSON of OpenAI's API as the fake model sends it."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fakes.model_replies import Reply, pieces_of

CREATED = 1767323045
"""Unix time that every answer carries."""
_NEEDED = {"/v1/chat/completions": "messages", "/v1/responses": "input", "/v1/embeddings": "input"}
ENDPOINTS = frozenset(_NEEDED)


def error_body(reply: Reply) -> bytes:
    """OpenAI's error envelope."""
    error = reply.error
    assert error is not None
    fields = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return json.dumps({"error": fields}).encode()


def models_body(models: tuple[str, ...]) -> bytes:
    """Answer of GET /v1/models."""
    return json.dumps({"object": "list", "data": [_model(name) for name in models]}).encode()


def model_body(name: str) -> bytes:
    """Answer of GET /v1/models/{name}."""
    return json.dumps(_model(name)).encode()


def embeddings_body(data: Mapping[str, Any]) -> bytes:
    """Answer of POST /v1/embeddings: one vector for each input, and a token for each four characters."""
    texts = data["input"] if isinstance(data["input"], list) else [data["input"]]
    vector: Any = [0.0, 1.0]
    if data.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack("<2f", *vector)).decode()
    items = [{"object": "embedding", "index": number, "embedding": vector} for number in range(len(texts))]
    tokens = len(json.dumps(texts)) // 4
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json.dumps({"object": "list", "data": items, "model": data["model"], "usage": usage}).encode()


def whole_body(path: str, reply: Reply, data: Mapping[str, Any], number: int) -> bytes:
    """Answer of POST /v1/chat/completions or /v1/responses without streaming."""
    make = _response if path == "/v1/responses" else _completion
    return json.dumps(make(reply, data["model"], number)).encode()


def stream_head(reply: Reply, data: Mapping[str, Any], number: int) -> bytes:
    """The first event of a stream: the role, no text."""
    return _chunk(reply, data, number, {"role": "assistant", "content": ""})


def stream_pieces(reply: Reply, data: Mapping[str, Any], number: int) -> Iterator[bytes]:
    """The events that carry the text."""
    for piece in pieces_of(reply):
        yield _chunk(reply, data, number, {"content": piece})


def stream_tail(reply: Reply, data: Mapping[str, Any], number: int) -> bytes:
    """The finish reason, the usage where it was asked for, and the end mark."""
    tail = _chunk(reply, data, number, {}, finish=reply.finish_reason)
    if _counts(reply, data):
        head = _head(data["model"], number, "chat.completion.chunk")
        tail += _event(head | {"choices": [], "usage": _usage(reply)})
    return tail + b"data: [DONE]\n\n"


def fault(path: str, headers: Mapping[str, str], data: Mapping[str, Any] | None) -> str | None:
    """What OpenAI would say about the shape of this request, None when it is good."""
    del headers
    if data is None:
        return "We could not parse the JSON body of your request."
    if not isinstance(data.get("model"), str):
        return "you must provide a model parameter"
    wanted = _NEEDED[path]
    if not data.get(wanted):
        return f"Missing required parameter: '{wanted}'."
    if path != "/v1/embeddings" and (words := _messages_fault(data[wanted], wanted)):
        return words
    if "stream_options" in data and not data.get("stream"):
        return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if "max_tokens" in data and "max_completion_tokens" in data:
        return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    if path == "/v1/responses" and data.get("stream"):
        return "the fake does not stream /v1/responses"
    return None


def _messages_fault(messages: Any, name: str) -> str | None:
    if isinstance(messages, list):
        if not all(isinstance(m, dict) and isinstance(m.get("role"), str) and "content" in m for m in messages):
            return f"Invalid type for '{name}': every message needs a role and content."
    elif name == "messages" or not isinstance(messages, str):
        return f"Invalid type for '{name}'."
    return None


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "tests"}


def _completion(reply: Reply, model: str, number: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}
    body = _head(model, number, "chat.completion") | {"choices": [choice]}
    return body | ({"usage": _usage(reply)} if reply.reports_usage else {})


def _response(reply: Reply, model: str, number: int) -> dict[str, Any]:
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
        "input_tokens_details": {
            "cached_tokens": reply.cached_tokens, "cache_write_tokens": reply.cache_write_tokens
        },
        "output_tokens": reply.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }  # fmt: skip
    return body | ({"usage": usage} if reply.reports_usage else {})


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


def _counts(reply: Reply, data: Mapping[str, Any]) -> bool:
    """Whether this stream tells its usage."""
    return reply.reports_usage and bool((data.get("stream_options") or {}).get("include_usage"))


def _chunk(
    reply: Reply, data: Mapping[str, Any], number: int, delta: dict[str, str], finish: str | None = None
) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    usage = {"usage": None} if _counts(reply, data) else {}
    return _event(_head(data["model"], number, "chat.completion.chunk") | {"choices": [choice]} | usage)


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
