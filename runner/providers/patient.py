"""A model call outlives the host's process: cut off, it is made again as soon as another one has opened the door."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from runner.errors import Unreachable
from runner.providers.base import Message, Provider, Reply

CUTS = 3
"""Connections in a row that may break although somebody listens: a door that has just been opened, or is just shut."""
_PAUSE = 0.5


class Patient:
    """Asks `provider`. `host_was_away` waits while nobody listens at the host's address, and says whether it had to."""

    def __init__(self, provider: Provider, host_was_away: Callable[[], bool], *, pause: float = _PAUSE) -> None:
        self.provider = provider
        self._host_was_away, self._pause = host_was_away, pause

    @property
    def name(self) -> str:
        return self.provider.name

    def ask(self, messages: Sequence[Message]) -> Reply:
        """As the provider does. Raises what that raises, WireError when the host does not come back."""
        cuts = 0
        while True:
            try:
                return self.provider.ask(messages)
            except Unreachable:
                cuts = 0 if self._host_was_away() else cuts + 1
                if cuts >= CUTS:
                    raise
            time.sleep(self._pause)
