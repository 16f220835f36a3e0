"""Rate limits: a provider that says 429 closes a gate that all calls to it stand before."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from pithy_local.clock import Clock

LONGEST = 24 * 3600.0
"""Seconds: what a provider asks for beyond this is not believed."""
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
"""Seconds to wait where the provider says nothing: doubled for each 429 in a row."""
_RESET = re.compile(r"x-ratelimit-reset(-[a-z-]+)?|anthropic-ratelimit-[a-z-]+-reset")
_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)


class RateGate(Protocol):
    """One gate for each provider, shared by everything that asks it. Called in worker threads, several at once."""

    def closed_until(self, provider: str) -> int:
        """When the gate opens, milliseconds since 1970; 0, or a time that has passed: it is open."""

    def close(self, provider: str, until_ms: int) -> None:
        """Close the gate until then; where it is closed for longer, that stays."""


def wait_told(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Seconds to wait, as the headers of a 429 ask for (names in lower case); None where they say nothing.

    `retry-after-ms`, then `retry-after` in seconds or as an HTTP date, then the limits' own resets: those of the
    limits that have nothing left, or of all.
    """
    told = _number(headers.get("retry-after-ms", ""), 0.001)
    if told is None:
        told = _retry_after(headers.get("retry-after", ""), now_ms)
    if told is None:
        told = max(_resets(headers, now_ms), default=None)
    return min(told, LONGEST) if told is not None and told > 0 else None


class Pauses:
    """How long the gates are closed by one gateway's 429s. Used on the event loop alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._in_a_row: dict[str, int] = {}
        self._last: dict[str, int] = {}

    def next(self, provider: str, headers: Mapping[str, str], began_ms: int) -> float:
        """Seconds from now, after a 429 to a request that began at `began_ms` (lease_ms of the clock). What went out
        before the gate was closed is of the same wave, and makes no pause longer."""
        if began_ms >= self._last.get(provider, 0):
            self._in_a_row[provider] = self._in_a_row.get(provider, 0) + 1
            self._last[provider] = self._clock.lease_ms()
        told = wait_told(headers, self._clock.now_ms())
        doubled = _FIRST_PAUSE * 2 ** min(self._in_a_row.get(provider, 1) - 1, 10)
        return told if told is not None else min(doubled, _LONGEST_PAUSE)

    def over(self, provider: str) -> None:
        """The provider answered again."""
        self._in_a_row.pop(provider, None)


class WaitingTime:
    """Seconds in which at least one call stood before a closed gate. Read from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._since_ms = 0
        self._sum_ms = 0

    @property
    def seconds(self) -> float:
        with self._lock:
            running = self._clock.lease_ms() - self._since_ms if self._waiting else 0
            return (self._sum_ms + running) / 1000

    @contextmanager
    def counted(self) -> Iterator[None]:
        """A call waits in here."""
        with self._lock:
            if not self._waiting:
                self._since_ms = self._clock.lease_ms()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._sum_ms += self._clock.lease_ms() - self._since_ms


def _retry_after(value: str, now_ms: int) -> float | None:
    seconds = _number(value)
    return _until(value, now_ms, parsedate_to_datetime) if seconds is None else seconds


def _resets(headers: Mapping[str, str], now_ms: int) -> list[float]:
    """Seconds until each limit that is spent is filled up again; where none says that it is spent, of all."""
    spent: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        seconds = _reset(value, now_ms) if _RESET.fullmatch(name) else None
        if seconds is not None:
            left = headers.get(name.replace("-reset", "-remaining"), "")
            (spent if left.strip() == "0" else others).append(seconds)
    return spent or others


def _reset(value: str, now_ms: int) -> float | None:
    """`6m0s`, `20ms`, a number of seconds, seconds or milliseconds since 1970, or a time as RFC 3339 has it."""
    number = _number(value)
    if number is not None:
        return number if number < 1e9 else number * (1.0 if number < 1e11 else 0.001) - now_ms / 1000
    span = _SPAN.fullmatch(value.strip())
    if span and any(span.groups()):
        return sum(float(part) * unit for part, unit in zip(span.groups(), _UNITS, strict=True) if part)
    return _until(value, now_ms, datetime.fromisoformat)


def _until(value: str, now_ms: int, parse: Callable[[str], datetime]) -> float | None:
    try:
        moment = parse(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.timestamp() - now_ms / 1000
    except (ValueError, OverflowError, TypeError):
        return None


def _number(value: str, unit: float = 1.0) -> float | None:
    """The number in a header; None where there is none, or one that no clock knows."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number * unit if abs(number) < 1e15 else None
