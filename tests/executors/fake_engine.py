"""An engine on loopback whose every answer a test writes, for what a real one does not do when asked."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.loopback import Exchange, LoopbackServer

Serve = Callable[[Exchange], None]


class FakeEngine(LoopbackServer):
    def __init__(self, answer: Serve) -> None:
        super().__init__()
        self._answer = answer

    def serve(self, exchange: Exchange) -> None:
        self._answer(exchange)
