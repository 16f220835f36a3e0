"""What is pasted reaches the dashboard as one piece of safe text, whatever is in it.

Textual's parser gives up a paste at the first escape character, and what follows acts as keys: text from a coloured log
or a hostile page could cancel a task. Terminals like tmux hand such characters on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.message import Message

from pithy_local.text import safe_block

START, END = BRACKETED_PASTE_START, BRACKETED_PASTE_END
STALLED_SECONDS = 5.0
"""A paste of which nothing more has come for so long has ended: some terminals lose its end, and keys would be text for
ever. Not sooner, for what comes behind it acts as keys."""


class PasteParser(XTermParser):
    """Gives Textual's parser the beginning and the end of a paste as they come, and between them only safe text."""

    def __init__(self, debug: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(debug)
        self._clock = clock
        self._came_at = 0.0
        """When something came last."""
        self._before = ""
        """The last characters outside of a paste: what begins one may come in two pieces."""
        self._pasted: list[str] | None = None
        """What has come of a paste that has not ended; the last piece may hold the beginning of its end."""

    @property
    def is_waiting(self) -> bool:
        """Whether `tick` may complete something in a while."""
        return self._pasted is not None or self._timeout_time is not None

    def feed(self, data: str) -> Iterable[Message]:
        """The keys and pastes that `data` completes; "": nothing more will come."""
        self._came_at = self._clock()
        if not data:
            yield from super().feed(data)
        while data:
            if self._pasted is None:
                keys, data = self._keys(data)
                yield from super().feed(keys)
            else:
                text, data = self._paste(data)
                yield from super().feed(text) if text else ()

    def tick(self) -> Iterable[Message]:
        """What is complete because time has passed."""
        if self._pasted is not None and self._clock() - self._came_at >= STALLED_SECONDS:
            yield from self.feed(END)
        yield from super().tick()

    def _keys(self, data: str) -> tuple[str, str]:
        """Up to where a paste begins, and the rest."""
        seen = self._before + data
        found = seen.find(START)
        if found < 0:
            self._before = seen[1 - len(START) :]
            return data, ""
        at = found + len(START) - len(self._before)
        self._before, self._pasted = "", []
        return data[:at], data[at:]

    def _paste(self, data: str) -> tuple[str, str]:
        """The paste made safe, once it has ended, and the rest.

        It ends with the last end that has come: text that ends its own paste, to go on with keys, stays text.
        """
        pieces = self._pasted if self._pasted is not None else []
        text = (pieces.pop() if pieces else "") + data
        last, end, rest = text.rpartition(END)
        if not end:
            border = max(0, len(text) - len(END) + 1)
            self._pasted = [*pieces, text[:border], text[border:]]
            return "", ""
        self._pasted = None
        pasted = "".join([*pieces, last]).replace("\r\n", "\n").replace("\r", "\n")
        return safe_block(pasted) + END, rest
