"""How the dashboard ends when it is told to from outside: in order, and where that cannot be, all the same."""

from __future__ import annotations

import os
import queue
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pithy_local.errors import ExitCode

LEAVING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
OF_THE_TERMINAL = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
"""What Textual's driver handles, for good."""
PATIENCE = 10.0
"""Seconds that the dashboard may take to give the terminal back after it was told to leave."""
PLAIN_SCREEN = b"".join(b"\x1b[?%dl" % mode for mode in (1000, 1003, 1015, 1006, 1016, 1004, 2004, 2048)) + (
    b"\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h"
)
"""Mouse, focus, pastes and keys as they are without us, the normal screen and its cursor."""


@contextmanager
def leaving_signals(leave: Callable[[], None], *, patience: float = PATIENCE) -> Iterator[Callable[[], None]]:
    """Call `leave` (in the main thread, between two bytecodes) for SIGTERM, SIGHUP and SIGINT.

    Stays in force during the clean-up: a shell sends SIGHUP after the kernel did. SIGINT then ends it. Yields what is
    to be called once the terminal was given back; without that, the process ends `patience` seconds after a signal.
    """
    last_resort = _LastResort(patience)

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        last_resort.told.put(None)
        leave()

    before = {number: signal.signal(number, handle) for number in LEAVING}
    before |= {number: signal.getsignal(number) for number in OF_THE_TERMINAL}

    def given_back() -> None:
        last_resort.over.set()
        for number in OF_THE_TERMINAL:
            signal.signal(number, before[number])

    try:
        yield given_back
    finally:
        given_back()
        last_resort.told.put(None)
        for number in LEAVING:
            signal.signal(number, before[number])


class _LastResort:
    """A thread that ends the process when the dashboard was told to leave and does not.

    Signals and keys are acted on in the main thread alone: one thing in there that waits for ever, and the process
    would hold its home, work the queue and be seen by nobody.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.told: queue.SimpleQueue[None] = queue.SimpleQueue()
        """Filled by a signal handler: no other queue and no Event may be."""
        self.over = threading.Event()
        self._attributes = _attributes()
        threading.Thread(target=self._wait, name="last-resort", daemon=True).start()

    def _wait(self) -> None:
        self.told.get()
        if not self.over.wait(self._patience):
            self._restore()
            os._exit(int(ExitCode.INTERRUPTED))

    def _restore(self) -> None:
        """The terminal as it was, as far as that goes without waiting for it."""
        stdin, stderr = sys.__stdin__, sys.__stderr__
        if self._attributes is None or stdin is None or stderr is None:
            return
        try:
            termios.tcsetattr(stdin.fileno(), termios.TCSANOW, self._attributes)
            if select.select([], [stderr.fileno()], [], 0)[1]:
                words = f"\r\npithy-local: ended: it did not answer for {self._patience:g} s\r\n"
                os.write(stderr.fileno(), PLAIN_SCREEN + words.encode())
        except (OSError, termios.error):
            pass  # the terminal is gone


def _attributes() -> list[Any] | None:
    """How the terminal was before; None: there is none."""
    try:
        return termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ is not None else None
    except (OSError, ValueError, termios.error):
        return None
