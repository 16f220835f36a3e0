"""A program on a pty, timed by what reaches the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 120, 40
PATIENCE = 60.0


class Screen:
    """Starts `python -m MODULE ARGUMENTS` on a terminal of its own."""

    def __init__(self, module: str, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        clean = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8",
                 "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(ROOT), **(env or {})}  # fmt: skip
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdin=self.slave, stdout=self.slave, stderr=self.slave,
            env=clean, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        self.written = b""

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def read(self, seconds: float) -> bool:
        """Take what was written; whether there was anything."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.written += os.read(self.master, 1 << 16)
        return True

    def until(self, texts: Sequence[bytes], since: int = 0) -> float:
        """Seconds (perf_counter) at which the last of these was written, in what came after `since` bytes."""
        deadline = time.perf_counter() + PATIENCE
        while not all(text in self.written[since:] for text in texts):
            if time.perf_counter() > deadline or (self.process.poll() is not None and not self.read(0)):
                raise TimeoutError(f"{texts} never appeared: {self.written[-2000:]!r}")
            self.read(0.01)
        return time.perf_counter()

    def press(self, key: str, text: bytes) -> float:
        """Seconds from a key to the paint that has `text` in it."""
        self.settle()
        since, began = len(self.written), time.perf_counter()
        os.write(self.master, key.encode())
        return self.until([text], since) - began

    def settle(self, quiet: float = 0.03, most: float = 0.5) -> None:
        """Read until nothing is painted for a moment, so that the next paint is the answer to a key."""
        deadline = time.perf_counter() + most
        while self.read(quiet) and time.perf_counter() < deadline:
            pass

    def drain(self, seconds: float) -> None:
        """Read for so long, so that the program never waits for us."""
        deadline = time.perf_counter() + seconds
        while self.read(max(0.0, min(0.05, deadline - time.perf_counter()))) or time.perf_counter() < deadline:
            pass

    def cpu_share(self, seconds: float) -> float:
        """The share of one processor that it used while nothing was asked of it."""
        before = self._cpu_seconds()
        self.drain(seconds)
        return (self._cpu_seconds() - before) / seconds

    def _cpu_seconds(self) -> float:
        """That of all its threads: in nanoseconds where the kernel counts so, else sampled by its ticks of 10 ms, which
        is all of the share of a program that wakes for a moment only."""
        counters = list(Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"))
        if counters:
            return sum(int(counter.read_text().split()[0]) for counter in counters) / 1e9
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    @property
    def rss_mb(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6
