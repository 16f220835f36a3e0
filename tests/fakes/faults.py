"""Faults that a test asks of a fake: an answer of its choice, an answer that is lost, a wait at a gate."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.fakes.loopback import Gate


@dataclass(frozen=True, kw_only=True)
class Fail:
    """Answer this instead of doing anything."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """Close the connection without doing anything."""


@dataclass(frozen=True)
class LoseAnswer:
    """Do what was asked, then close the connection without an answer."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Wait at the gate before anything is done, then go on as usual."""

    gate: Gate


@dataclass(frozen=True, kw_only=True)
class Break:
    """Do what was asked, send `after` bytes of the answer and cut the connection (the engine's proxy alone)."""

    after: int


Fault = Fail | Drop | LoseAnswer | Hold | Break
Chance = Callable[[str], Fault | None]
"""What goes wrong with a request of this operation, None: nothing. Called in many threads."""


class Faults:
    """Faults waiting for the next requests, one queue for each operation. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.otherwise: Chance = lambda operation: None
        """Asked for each request that no fault waits for."""

    def add(self, operation: str, fault: Fault, times: int = 1) -> None:
        """Let the next `times` requests of `operation` meet `fault`, after those already waiting."""
        with self._lock:
            self._waiting[operation].extend([fault] * times)

    def take(self, operation: str) -> Fault | None:
        """The fault for this request, None where there is none; each that waits is taken once."""
        with self._lock:
            waiting = self._waiting[operation]
            if waiting:
                return waiting.popleft()
        return self.otherwise(operation)
