"""Keys take effect one after the other, each where it was meant, however fast they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from weakref import WeakSet

from textual.dom import DOMNode
from textual.events import Event, Key

from pithy_local.tui.themes import ThemedApp

HEARD_SECONDS = 1.0
"""So long the next key waits for what this one leads to."""


class TypedApp(ThemedApp):
    """Textual sends keys through the widgets, where one may overtake the other: here only those for a text go so."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self.answered_at = 0.0
        """When the last question was answered, as `time.monotonic` has it."""
        self._for_nothing: WeakSet[Key] = WeakSet()
        """Keys that are bound to nothing where they were typed."""

    async def on_event(self, event: Event) -> None:
        """A key does what it is for before the next one is looked at: that is meant for what the first leads to.

        But what was typed before a question was seen, or before it was gone, is meant for nothing.
        """
        if not isinstance(event, Key) or not await self._is_dealt_with(event):
            await super().on_event(event)

    async def _is_dealt_with(self, key: Key) -> bool:
        if key.is_forwarded:
            return key in self._for_nothing  # nor is it for what the keys behind it have opened meanwhile
        if not self.app_focus:
            return False
        if key.time < getattr(self.screen, "asked_at", self.answered_at):
            return True
        field = self.focused if self._takes_text else None
        if not self.screen.is_mounted or (field is not None and field.check_consume_key(key.key, key.character)):
            return False
        nodes = (self.focused or self.screen).ancestors_with_self
        if field is not None:
            await self._heard(nodes)  # the text that was typed before it is there first
        if await self._check_bindings(key.key):
            await self._heard(nodes)
            return True
        self._for_nothing.add(key)
        return False

    async def _heard(self, nodes: Iterable[DOMNode]) -> None:
        """Until what a key made its widget say has come up to the screen: it may move the focus or open a dialog."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARD_SECONDS):
                for node in nodes:
                    heard = asyncio.Event()
                    if node is not self and node.call_later(heard.set):
                        await heard.wait()

    @property
    def _takes_text(self) -> bool:
        """Whether what is typed now is text."""
        return self.focused is not None and self.focused.check_consume_key("a", "a")
