"""What of a model call is let through: the body is read here, judged, and written anew.

Only what this module has understood travels on: a second `model` key, say, does not survive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from pithy_local.door.answers import REFUSED, Refusal

MAX_BODY = 8 * 1024 * 1024
CHAT = "/chat/completions"
RESPONSES = "/responses"
MODELS = "/models"


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A call as it goes to the upstream; `path` is relative to its base URL."""

    path: str
    body: bytes


def admit(path: str, body: bytes, *, model: str) -> Admitted:
    """Judge a call. Raises Refusal: 400 for what is no JSON object, 403 for another model than the task's."""
    try:
        document = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise Refusal(400, "wrong_shape", "the body must be a JSON object") from None
    if document.get("model") != model:
        raise Refusal(403, REFUSED, f"this task's model is {model!r}, no other may be called")
    if path == CHAT and document.get("stream"):
        _ask_for_usage(document)
    return Admitted(path=path, body=msgspec.json.encode(document))


def _ask_for_usage(document: dict[str, Any]) -> None:
    """A chat stream tells its usage only when asked to."""
    options = document.get("stream_options")
    document["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
