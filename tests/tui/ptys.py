"""The dashboard as a process on a pty of its own, and every byte that reached the terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.tui.seeding import Seed

PROGRAM = r"""
import os, sys, time
from pathlib import Path
from pithy_local import service
from pithy_local.tui.app import run_board
from pithy_local.tui.board import Board


class Plain(Board):
    def __init__(self, app, worker):
        super().__init__(app, worker=worker, checks=lambda found: iter(()))


class Busy(Plain):
    def running_here(self):
        return 2

    def stop(self, leaving, say):
        Path(sys.argv[1], "stopped").write_text(leaving.value)


class Broken(Busy):
    def check_home(self):
        env = dict(os.environ)
        raise RuntimeError(f"a bug near {env['OPENAI_API_KEY']}\x1b]52;c;aG9zdGlsZQ==\x07")


class Slow(Plain):
    def add(self, draft):
        while not Path(sys.argv[1], "network").exists():
            time.sleep(0.01)
        return super().add(draft)


with service.open_app(home=sys.argv[1], env=dict(os.environ)) as app:
    mode = sys.argv[2]
    if mode == "slow doctor":
        checks = lambda found: (time.sleep(60) for _ in range(2))
        sys.exit(run_board(Board(app, worker=False, checks=checks)))
    board = {"watch": Plain, "worker": Plain, "busy": Busy, "broken": Broken, "slow": Slow}[mode]
    sys.exit(run_board(board(app, worker=mode == "worker")))
"""
ROOT = Path(__file__).parents[2]
STYLE_OR_PLACE = re.compile(rb"\x1b\[[0-9;]*[mH]")
ALT_SCREEN, MAIN_SCREEN, SHOW_CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


class Terminal:
    """A dashboard on a pty of its own; `written` is every byte that reached the terminal."""

    def __init__(self, argv: Sequence[str], home: Path, env: Mapping[str, str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(slave)
        clean = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        clean |= {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **env}
        clean |= {"PITHY_CONFIG": str(home.parent / "config.toml"), "PYTHONPATH": str(ROOT)}
        (home.parent / "config.toml").touch()
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=clean, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        self.slave = slave
        self.written = b""

    def types(self, text: str | bytes) -> None:
        os.write(self.master, text if isinstance(text, bytes) else text.encode())

    def reads(self, seconds: float = 0.05) -> bool:
        """Take what was written; False once the other end is closed."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65_536)
            except OSError:
                return False
            self.written += data
        return True

    def until(self, text: bytes, timeout: float = 60.0, *, start: int = 0) -> None:
        """Wait for this text, written after the first `start` bytes."""
        deadline = time.monotonic() + timeout
        while not self.has(text, start):
            assert time.monotonic() < deadline, f"{text!r} never appeared; last: {self.written[-3000:]!r}"
            assert self.process.poll() is None or self.reads(), f"ended early: {self.written[-3000:]!r}"
            self.reads()

    def has(self, text: bytes, start: int = 0) -> bool:
        """Whether this text was written after the first `start` bytes, as it is or in several styles."""
        written = self.written[start:]
        return text in written or text in STYLE_OR_PLACE.sub(b"", written)

    def presses_until(self, keys: str, text: bytes) -> None:
        """Press keys until this text is written: while a dialog is being closed, they may go nowhere."""
        for _ in range(4):
            start, deadline = len(self.written), time.monotonic() + 15
            self.types(keys)
            while time.monotonic() < deadline:
                if self.has(text, start):
                    return
                self.reads()
        raise AssertionError(f"{text!r} never appeared; last: {self.written[-3000:]!r}")

    def goes_back(self) -> None:
        """Press esc, and let it be told from the beginning of a longer key: until something came of it, a while."""
        start, begun = len(self.written), time.monotonic()
        self.types("\x1b")
        while (passed := time.monotonic() - begun) < 0.3 or (len(self.written) == start and passed < 10):
            self.reads()

    def ends(self, timeout: float = 60.0) -> int:
        """The exit code, everything read up to the end."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still runs; last: {self.written[-3000:]!r}"
            self.reads()
        while select.select([self.master], [], [], 0)[0] and self.reads():
            pass
        return self.process.returncode

    def is_restored(self) -> bool:
        attributes = termios.tcgetattr(self.slave)
        tail = self.written.rpartition(ALT_SCREEN)[2]
        return attributes == self.before and MAIN_SCREEN in tail and SHOW_CURSOR in tail.partition(MAIN_SCREEN)[2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def terminal(
    seed: Seed, mode: str = "watch", env: Mapping[str, str] | None = None, through: Sequence[str] = ()
) -> Terminal:
    """The dashboard over this home. `through`: a command that starts it instead, as its arguments."""
    home = seed.app.home.root
    return Terminal([*through, sys.executable, "-c", PROGRAM, str(home), mode], home, env or {})
