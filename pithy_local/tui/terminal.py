"""The terminal's side of leaving: signals end the dashboard in order, and a terminal that is gone stops nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import IO, Any

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

LEAVING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextmanager
def leaving_signals(leave: Callable[[], None]) -> Iterator[None]:
    """Call `leave` (in the main thread, between two bytecodes) for SIGTERM, SIGHUP and SIGINT.

    Stays in force during the clean-up: a shell sends SIGHUP after the kernel did. SIGINT then ends it.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        leave()

    before = {number: signal.signal(number, handle) for number in LEAVING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Forgiving:
    """A terminal file whose writes to a closed terminal are lost without a word.

    Textual's writer thread would die of the first EIO, its queue fill up, and the application wait for it for ever
    with attempts in work.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        try:
            return self._file.write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """What is still buffered, and whatever else writes to this descriptor, goes nowhere without an error."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class TerminalDriver(LinuxDriver):
    """Textual's driver for Linux and macOS over a forgiving file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file: Any = _Forgiving(self._file)


def driver_for(chosen: type[Driver]) -> type[Driver]:
    """Ours in place of Textual's own; any other choice (headless, web) is left alone."""
    return TerminalDriver if chosen is LinuxDriver else chosen


def is_monochrome(env: Mapping[str, str]) -> bool:
    """Whether this terminal has no colours at all, as far as the system's terminal database knows it."""
    name = env.get("TERM", "")
    if env.get("COLORTERM") or name in ("", "dumb"):
        return False
    try:
        import curses
    except ImportError:  # it is no part of some builds of Python
        return False
    try:
        curses.setupterm(name, fd=sys.__stdout__.fileno() if sys.__stdout__ else -1)
        return curses.tigetnum("colors") < 2
    except (OSError, curses.error):
        return False
