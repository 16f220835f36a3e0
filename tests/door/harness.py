"""What the door's tests share: a gateway with everything recorded, and the door's process over plain pipes."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
from hypothesis import HealthCheck, settings

import runner.door
from pithy_local.door.gateway import Call, Gateway, Upstream
from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Event, Reports
from pithy_local.door.serving import Loopback
from pithy_local.errors import Parked
from tests.door import stand_ins
from tests.door.stand_ins import MemoryGate, MemoryLedger
from tests.fakes.loopback import Exchange, LoopbackServer

CANARY = "sk-canary-7f3a9c51e2d84b06"
"""The real key: whatever the sandbox can see must not hold it."""
TOKEN = "attempt-token"
MODEL = "gpt-4o"
CLAUDE = "claude-sonnet-5-5"
DOOR = [sys.executable, "-I", "-S", str(Path(runner.door.__file__))]

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For property tests: a busy machine is no failure."""


@dataclass
class Recorded:
    """What a gateway told the host, and what it asked it."""

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    gate: MemoryGate = field(default_factory=MemoryGate)
    events: list[Event] = field(default_factory=list)
    diffs: list[bytes] = field(default_factory=list)
    waits: list[tuple[str, int]] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)

    @property
    def calls(self) -> list[Call]:
        return self.ledger.calls


def make_gateway(
    base_url: str | None,
    recorded: Recorded,
    *,
    claude_url: str | None = None,
    key: str = CANARY,
    token: str | None = TOKEN,
    max_diff_bytes: int = 1_000_000,
    reports: Reports | None = None,
    **changes: Any,
) -> Gateway:
    """A gateway that records, with one upstream for each address given; none: the provider is scripted."""
    addresses = {"openai": (base_url, MODEL), "anthropic": (claude_url, CLAUDE)}
    upstreams = [
        Upstream(name=name, base_url=url, api_key=key, models=frozenset({model}))
        for name, (url, model) in addresses.items()
        if url is not None
    ]
    reports = reports or Reports(
        on_event=recorded.events.append,
        on_diff=lambda _, diff: recorded.diffs.append(diff),
        max_diff_bytes=max_diff_bytes,
    )
    return stand_ins.make_gateway(
        upstreams,
        ledger=recorded.ledger,
        gate=recorded.gate,
        on_wait=lambda provider, until: recorded.waits.append((provider, until)),
        on_park=recorded.parked.append,
        reports=reports,
        token=token,
        **changes,
    )


@contextmanager
def served(loop: EventLoop, gateway: Gateway) -> Iterator[str]:
    """The gateway on a loopback port; yields `http://127.0.0.1:PORT`."""
    loopback = Loopback()
    port = loop.call(loopback.start(gateway.app))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call(loopback.close(), 60)
        loop.call(gateway.aclose(), 60)


@contextmanager
def sdk(url: str, key: str = TOKEN) -> Iterator[openai.OpenAI]:
    """The real SDK as the runner uses it: no retries, whatever key the sandbox was given."""
    with openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0, timeout=60) as client:
        yield client


@contextmanager
def claude_sdk(url: str, key: str = TOKEN) -> Iterator[anthropic.Anthropic]:
    """The other provider's."""
    with anthropic.Anthropic(base_url=f"{url}/anthropic", api_key=key, max_retries=0, timeout=60) as client:
        yield client


def ask(client: openai.OpenAI, text: str = "hello", model: str = MODEL) -> str:
    """One chat completion; its text."""
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content or ""


def ask_streaming(client: openai.OpenAI, text: str = "hello") -> str:
    """One streamed chat completion; its text."""
    with client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], stream=True
    ) as stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def ask_claude(client: anthropic.Anthropic, text: str = "hello", model: str = CLAUDE) -> str:
    """One message; its text."""
    answer = client.messages.create(model=model, max_tokens=100, messages=[{"role": "user", "content": text}])
    return "".join(block.text for block in answer.content if block.type == "text")


def ask_claude_streaming(client: anthropic.Anthropic, text: str = "hello") -> str:
    """One streamed message; its text."""
    with client.messages.stream(model=CLAUDE, max_tokens=100, messages=[{"role": "user", "content": text}]) as stream:
        return "".join(stream.text_stream)


def request(
    url: str, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One raw request, the target exactly as given; (status, headers in lower case, body)."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, target, body, {"Authorization": f"Bearer {TOKEN}", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def chat(model: str = MODEL, **more: Any) -> bytes:
    """The body of a chat completion."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], **more}).encode()


def message(model: str = CLAUDE, **more: Any) -> bytes:
    """The body of a message to Anthropic."""
    fields: dict[str, Any] = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
    return json.dumps(fields | more).encode()


def error_code(body: bytes) -> str:
    """The code of an error in either API's shape."""
    error = json.loads(body)["error"]
    return str(error.get("code") or error["type"])


class FixedServer(LoopbackServer):
    """A server that answers every request with fixed bytes, cut into fixed portions."""

    def __init__(self, kind: str, *portions: bytes, status: int = 200, cut: bool = False, location: str = "") -> None:
        super().__init__()
        self.requests = 0
        self._kind, self._portions, self._status, self._cut, self._location = kind, portions, status, cut, location

    def serve(self, exchange: Exchange) -> None:
        self.requests += 1
        headers = {"Content-Type": self._kind} | ({"Location": self._location} if self._location else {})
        exchange.begin(self._status, headers)
        for portion in self._portions:
            exchange.write(portion)
        if self._cut:
            exchange.cut()
        else:
            exchange.end()
