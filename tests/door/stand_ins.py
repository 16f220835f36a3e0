"""A ledger and a gate in memory, and a gateway made with them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, Literal

from pithy_local.clock import SystemClock
from pithy_local.door.gateway import Gateway, Upstream
from pithy_local.door.ledger import Ask, Call
from pithy_local.door.reports import Reports
from pithy_local.errors import Parked


class MemoryLedger:
    """Implements `Ledger` with one limit, in tokens; `budget` likewise, in calls. Keeps what it was asked and told."""

    def __init__(self, limit: int = 1_000_000_000, *, budget: int = 1_000_000_000) -> None:
        self.limit = limit
        self.budget = budget
        self.asks: list[Ask] = []
        """Granted ones; a ticket is the place in this list."""
        self.calls: list[Call] = []
        """Settled ones, in that order."""
        self.waits = 0
        """How often it said that there may be room later."""
        self.open: dict[int, Ask] = {}
        self._lock = threading.Lock()

    @property
    def settled_tokens(self) -> int:
        return sum(call.input_tokens + call.output_tokens for call in self.calls)

    def reserve(self, ask: Ask) -> int | Literal["wait", "token_limit", "budget"]:
        with self._lock:
            if len(self.asks) >= self.budget:
                return "budget"
            if self.settled_tokens >= self.limit:
                return "token_limit"
            if self.settled_tokens + sum(map(_tokens, self.open.values())) >= self.limit:
                self.waits += 1
                return "wait"
            self.asks.append(ask)
            self.open[len(self.asks) - 1] = ask
            return len(self.asks) - 1

    def settle(self, ticket: int, call: Call) -> None:
        with self._lock:
            del self.open[ticket]  # a second settlement is a KeyError
            self.calls.append(call)


class MemoryGate:
    """Implements `RateGate`."""

    def __init__(self) -> None:
        self.until: dict[str, int] = {}
        self.looks = 0
        """How often it was asked about."""

    def closed_until(self, provider: str) -> int:
        self.looks += 1
        return self.until.get(provider, 0)

    def close(self, provider: str, until_ms: int) -> None:
        self.until[provider] = max(until_ms, self.until.get(provider, 0))


class Hurried(SystemClock):
    """A clock that runs `times` as fast as the machine's."""

    def __init__(self, times: int) -> None:
        self._times = times
        self._from = super().now_ms(), super().lease_ms()

    def now_ms(self) -> int:
        return self._from[0] + (super().now_ms() - self._from[0]) * self._times

    def lease_ms(self) -> int:
        return self._from[1] + (super().lease_ms() - self._from[1]) * self._times


def make_reports() -> Reports:
    """Reports that nobody keeps."""
    return Reports(on_event=lambda event: None, on_diff=lambda number, diff: None, max_diff_bytes=1_000_000)


class Unhurried(Gateway):
    """As if a rate limit were waited for all the time, until `no_more`: the agent's time limit does not run."""

    _until: float | None = None

    @property
    def waited(self) -> float:
        return 2 * (time.monotonic() if self._until is None else self._until)

    def no_more(self) -> None:
        self._until = time.monotonic()


def make_gateway(upstreams: Sequence[Upstream] = (), **changes: Any) -> Gateway:
    """A gateway whose ledger grants everything and whose gates are open, unless `changes` say otherwise."""
    return Gateway(upstreams=upstreams, **_given() | changes)


def make_unhurried(upstreams: Sequence[Upstream] = (), **changes: Any) -> Unhurried:
    """The same, whose agent's time does not run."""
    return Unhurried(upstreams=upstreams, **_given() | changes)


def _given() -> dict[str, Any]:
    return {
        "call_timeout": 20.0, "ledger": MemoryLedger(), "gate": MemoryGate(), "on_wait": _ignore_wait,
        "on_park": _ignore_park, "reports": make_reports(), "token": None, "clock": SystemClock(),
    }  # fmt: skip


def _tokens(ask: Ask) -> int:
    return ask.input_tokens + ask.output_tokens


def _ignore_wait(provider: str, until: int) -> None:
    pass


def _ignore_park(parked: Parked) -> None:
    pass
