"""What the door's tests share: a gateway with everything recorded, and the door's process over plain pipes."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import openai
from hypothesis import HealthCheck, settings

import runner.door
from pithy_local.clock import SystemClock
from pithy_local.door.gateway import Call, Gateway, Upstream
from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Event, Reports
from pithy_local.door.serving import Loopback

CANARY = "sk-canary-7f3a9c51e2d84b06"
"""The real key: whatever the sandbox can see must not hold it."""
TOKEN = "attempt-token"
MODEL = "gpt-4o"
DOOR = [sys.executable, "-I", "-S", str(Path(runner.door.__file__))]

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For property tests: a busy machine is no failure."""


@dataclass
class Recorded:
    """What a gateway told the host, and how many tokens it is told there are."""

    calls: list[Call] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    diffs: list[bytes] = field(default_factory=list)
    tokens: int = 100_000

    def tokens_left(self) -> int:
        return self.tokens - sum(call.input_tokens + call.output_tokens for call in self.calls)


def make_gateway(
    base_url: str | None,
    recorded: Recorded,
    *,
    key: str = CANARY,
    token: str | None = TOKEN,
    call_timeout: float = 20.0,
    max_diff_bytes: int = 1_000_000,
    reports: Reports | None = None,
) -> Gateway:
    """A gateway that records; `base_url` None: the provider is scripted."""
    reports = reports or Reports(
        on_event=recorded.events.append, on_diff=recorded.diffs.append, max_diff_bytes=max_diff_bytes
    )
    return Gateway(
        upstream=None if base_url is None else Upstream("openai", base_url, key),
        model=MODEL,
        call_timeout=call_timeout,
        tokens_left=recorded.tokens_left,
        on_call=recorded.calls.append,
        reports=reports,
        token=token,
        clock=SystemClock(),
    )


@contextmanager
def served(loop: EventLoop, gateway: Gateway) -> Iterator[str]:
    """The gateway on a loopback port; yields `http://127.0.0.1:PORT`."""
    loopback = Loopback()
    port = loop.call(loopback.start(gateway.app))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call(loopback.close(), 10)
        loop.call(gateway.aclose(), 10)


@contextmanager
def sdk(url: str, key: str = TOKEN) -> Iterator[openai.OpenAI]:
    """The real SDK as the runner uses it: no retries, whatever key the sandbox was given."""
    with openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0, timeout=20) as client:
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


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
