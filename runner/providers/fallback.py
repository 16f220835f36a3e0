"""A second model that takes over when the first one's service fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runner.errors import ProviderError
from runner.providers.base import Message, Provider, Reply

_SERVICE = ("llm_service", "llm_timeout")
"""A wrong key, a spent budget and a limit of the rate are not mended by asking somebody else."""


class Fallback:
    """Asks `first` until its service fails, and `second` from then on. `say` tells people of the change."""

    def __init__(self, first: Provider, second: Provider, say: Callable[[str], None]) -> None:
        self._first = first
        self._second = second
        self._say = say
        self._failed: ProviderError | None = None

    @property
    def name(self) -> str:
        return self._first.name if self._failed is None else self._second.name

    def ask(self, messages: Sequence[Message]) -> Reply:
        """Ask whoever's turn it is. Raises as they do; an error of the second one recalls the first one's."""
        if self._failed is None:
            try:
                return self._first.ask(messages)
            except ProviderError as error:
                if error.code not in _SERVICE:
                    raise
                self._failed = error
                self._say(f"{self._first.name} failed ({error.message}): asking {self._second.name}")
        try:
            return self._second.ask(messages)
        except ProviderError as error:
            error.message += f" (asked because {self._first.name} had failed: {self._failed.message})"
            raise
