"""The time an agent has for its own work."""

from __future__ import annotations

import time
from collections.abc import Callable

from pithy_local.errors import ErrorCode, PithyError


class Deadline:
    """`left` of the agent's `seconds`, None = all, and as many more as `waited` (seconds, never shrinking) grows by:
    time in which the agent could not work, since the gateway waited for a provider's rate limit."""

    def __init__(self, seconds: float, waited: Callable[[], float], left: float | None = None) -> None:
        self._seconds, self._waited = seconds, waited
        self._end = time.monotonic() + (seconds if left is None else left) - waited()

    @property
    def left(self) -> float:
        """Seconds; below 0 when the time is over."""
        return self._end + self._waited() - time.monotonic()

    def check(self) -> None:
        """Raises PithyError (timeout) when the time is over."""
        if self.left <= 0:
            message = f"the agent was not done within {self._seconds:g} s and was ended"
            raise PithyError(ErrorCode.TIMEOUT, message)
