"""What of a model call is let through: the body is read here, judged, and written anew.

Only what this module and the APIs' own (`openai_api`, `anthropic_api`) have understood travels on: a second `model`
key does not survive, nor does a field that nobody listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from pithy_local.door.answers import REFUSED, Refusal
from pithy_local.door.content import whole_number
from pithy_local.door.ledger import Ask
from pithy_local.door.model_limits import max_output_tokens
from pithy_local.door.upstream import Upstream
from pithy_local.door.usage import estimate

MAX_BODY = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a call's body is held to. `most_output`: tokens the model can write in one answer. `own_server`: the
    provider's own, of which is known what it takes."""

    most_output: int
    own_server: bool


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A body that may go on. `output_tokens`: the most its answer can have; `bounded`: the server is told so."""

    document: dict[str, Any]
    output_tokens: int
    bounded: bool = True


Judge = Callable[[Mapping[str, Any], Terms], Judged]


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A call as it goes to the upstream; `path` follows its base URL."""

    path: str
    body: bytes
    model: str
    output_tokens: int
    bounded: bool

    def ask(self, provider: str) -> Ask:
        """What it takes at most."""
        return Ask(
            provider=provider, model=self.model, input_tokens=estimate(len(self.body)),
            output_tokens=self.output_tokens,
        )  # fmt: skip


def admit(path: str, body: bytes, judge: Judge, upstream: Upstream) -> Admitted:
    """Judge a call. Raises Refusal: 400 for what is no JSON object or of a wrong shape, 403 for what is not allowed."""
    try:
        document = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise Refusal(400, "wrong_shape", "the body must be a JSON object") from None
    model = document.get("model")
    if not isinstance(model, str) or model not in upstream.models:
        allowed = ", ".join(map(repr, sorted(upstream.models)))
        raise Refusal(403, REFUSED, f"this task's model is {allowed}, no other may be called")
    terms = Terms(most_output=max_output_tokens(upstream.name, model), own_server=upstream.own_server)
    judged = judge(document, terms)
    return Admitted(
        path=path, body=msgspec.json.encode(judged.document), model=model, output_tokens=judged.output_tokens,
        bounded=judged.bounded,
    )  # fmt: skip


def bounded(document: dict[str, Any], names: tuple[str, ...], terms: Terms, *, add: str | None) -> Judged:
    """`document` with the output limits in `names` held to the model's. Where there is none, the field `add` gets it;
    None: the server may not take it, so the model's limit is only reserved. Raises Refusal (400) for no number."""
    given = {name: number for name in names if (number := whole_number(document, name)) is not None}
    if not given and add is None:
        return Judged(document=document, output_tokens=terms.most_output, bounded=False)
    limits = {name: min(number, terms.most_output) for name, number in given.items()}
    if add is not None and not limits:
        limits = {add: terms.most_output}
    return Judged(document=document | limits, output_tokens=max(limits.values()))
