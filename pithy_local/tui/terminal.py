"""The terminal: what comes from it acts only as what it is, and one that is gone stops nothing."""

from __future__ import annotations

import codecs
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from pithy_local.tui.pastes import PasteParser

LOOK_SECONDS = 0.1
"""How often the thread that reads keys looks whether an esc was one, where one has come."""
IDLE_SECONDS = 1.0
"""How often it looks whether it is still wanted. It is woken when it is not, unless it was not asleep yet."""


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
        self._alarm: socket.socket | None = None

    @property
    def _has_terminal(self) -> bool:
        """Whether it draws: not while another program has the terminal, nor where it was not given back."""
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def write(self, data: str) -> None:
        if self._has_terminal:  # else Textual waits for ever for a thread that has ended
            super().write(data)

    def resume_application_mode(self) -> None:
        super().resume_application_mode()
        if not self._has_terminal:
            _hang_up()

    def _sigcont_application(self, *_: Any) -> None:
        """Go on after a stop; also after one that was not asked for here (`kill -STOP`), which Textual takes for one
        that was: it would then start a second time and leave the terminal without echo at the end."""
        if self._auto_restart and self._has_terminal:
            self.suspend_application_mode()
        super()._sigcont_application()

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)

    def run_input_thread(self) -> None:
        """Textual's, but: pastes are safe, what is no UTF-8 is replaced, and a terminal that is gone is left."""
        parser = PasteParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        asleep, self._alarm = socket.socketpair()
        with asleep, self._alarm:
            while not self.exit_event.is_set():
                wait = LOOK_SECONDS if parser.is_waiting else IDLE_SECONDS
                if self.fileno in select.select([self.fileno, asleep], [], [], wait)[0]:
                    data = self._read()
                    if not data:
                        _hang_up()
                        return
                    text = decode(data)
                    # all of what came at once before any of it acts: it was typed before what it leads to was seen
                    for event in [*parser.feed(text)] if text else ():  # "" would be the end of it
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)

    def disable_input(self) -> None:
        if self._alarm is not None:
            with suppress(OSError):  # the thread has ended by itself
                self._alarm.send(b"!")  # not taken: it rings until the thread sees that it is to end
        super().disable_input()

    def _read(self) -> bytes:
        """What was typed; nothing: the terminal is gone."""
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""


def _hang_up() -> None:
    """What the kernel does only where the terminal is this process' own."""
    os.kill(os.getpid(), signal.SIGHUP)


def driver_for(chosen: type[Driver]) -> type[Driver]:
    """Ours in place of Textual's own; any other choice (headless, web) is left alone."""
    return TerminalDriver if chosen is LinuxDriver else chosen


def has_job_control() -> bool:
    """Whether a shell started this as a job of its own, which it can bring back after a stop."""
    return os.getpgrp() != os.getsid(0)


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
