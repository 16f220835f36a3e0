"""Where calls stand until their provider's rate limit has passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.requests import ClientDisconnect

from pithy_local.clock import Clock
from pithy_local.door.rate_limit import Pauses, RateGate, WaitingTime
from pithy_local.door.worker import in_thread

_LOOK_AGAIN = 1.0
"""Seconds after which the gate is asked anew: it may have been opened, or closed for longer."""


class OpensTooLate(Exception):
    """The gate opens at `until` (milliseconds since 1970), after the end of the caller's patience."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


class Turnstile:
    """One gateway's way through the gates. `on_wait(provider, until_ms)` is called in a worker thread, once for each
    moment that calls wait for."""

    def __init__(self, gate: RateGate, on_wait: Callable[[str, int], None], clock: Clock) -> None:
        self.waiting = WaitingTime(clock)
        self._gate = gate
        self._on_wait = on_wait
        self._clock = clock
        self._pauses = Pauses(clock)
        self._told: dict[str, int] = {}

    async def wait(self, provider: str, gone: asyncio.Future[None], patience: float) -> float:
        """Stand before the provider's gate until it is open; returns the seconds that took.

        Raises OpensTooLate when that is longer than `patience` seconds, ClientDisconnect when `gone` is done first.
        """
        if not await self._closed_until(provider):
            return 0.0
        began = self._clock.lease_ms()
        with self.waiting.counted():
            while until := await self._closed_until(provider):
                await self._wait_once(provider, until, gone, patience - self._seconds_since(began))
        return self._seconds_since(began)

    async def close(self, provider: str, headers: Mapping[str, str], began_ms: int) -> None:
        """The provider answered 429, with these headers, to what was asked at `began_ms` (lease_ms of the clock)."""
        seconds = self._pauses.next(provider, headers, began_ms)
        await in_thread(self._gate.close, provider, self._clock.now_ms() + round(seconds * 1000))

    def answered(self, provider: str) -> None:
        """The provider gave a good answer: its next 429 is a first one again."""
        self._pauses.over(provider)

    async def _wait_once(self, provider: str, until: int, gone: asyncio.Future[None], patience: float) -> None:
        seconds = (until - self._clock.now_ms()) / 1000
        if seconds > patience:
            raise OpensTooLate(until)
        if until > self._told.get(provider, 0):
            self._told[provider] = until
            await in_thread(self._on_wait, provider, until)
        await asyncio.wait({gone}, timeout=min(max(seconds, 0), _LOOK_AGAIN))
        if gone.done():
            raise ClientDisconnect

    async def _closed_until(self, provider: str) -> int:
        until = await in_thread(self._gate.closed_until, provider)
        return until if until > self._clock.now_ms() else 0

    def _seconds_since(self, began_ms: int) -> float:
        return (self._clock.lease_ms() - began_ms) / 1000
