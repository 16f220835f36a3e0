"""How often one address may ask: so many at once, and then as many a second as the rate says."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

SECONDS = {"second": 1, "minute": 60, "hour": 3_600}
PEERS = 1_000
"""Addresses that are remembered: the one seen longest ago is forgotten."""


class RateLimit:
    """`rate`: as in `serve.rate_limit`, "60/minute". `now`: seconds of any steady clock."""

    def __init__(self, rate: str, now: Callable[[], float] = time.monotonic) -> None:
        number, _, span = rate.partition("/")
        self._most, self._per_second, self._now = float(number), float(number) / SECONDS[span], now
        self._peers: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.refused = 0

    def wait(self, peer: str) -> int:
        """0 when this one may pass, which counts; else the whole seconds after which the next may."""
        now = self._now()
        left, at = self._peers.pop(peer, (self._most, now))
        left = min(self._most, left + (now - at) * self._per_second)
        passes = left >= 1
        self._peers[peer] = (left - passes, now)
        if len(self._peers) > PEERS:
            self._peers.popitem(last=False)
        if passes:
            return 0
        self.refused += 1
        return max(1, math.ceil((1 - left) / self._per_second))
