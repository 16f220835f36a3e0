"""The host's end of `warden`: a command whose every process can be ended, also after this process was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from pithy_local.executors import warden

PORTION = 64 * 1024
GRACE = warden.SWEEP_SECONDS + 2
_JOIN_SECONDS = 5.0
_STRAY_PASSES = 100
_STRAY_PAUSE = 0.02


class Warded:
    """One running command under a warden of its own. Leaving the `with` block ends every process of it.

    `on_out` and `on_err` get the command's output in portions, each from a thread of its own, until its end. What they
    raise ends the forwarding, not the reading (a full pipe would stop the command); `check` raises it again.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        on_out: Callable[[bytes], object],
        on_err: Callable[[bytes], object],
        first_word: bytes = b"",
        grace: float = GRACE,
    ) -> None:
        """Starts it. `first_word` is all it gets on stdin; `grace` are the seconds its warden has for ending it.
        Raises OSError."""
        self._grace = grace
        theirs, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", warden.__file__, str(theirs), *command],
                env=dict(env), cwd=cwd, pass_fds=(theirs,), start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(theirs)
        self._trouble: Exception | None = None
        self._readers = [self._reader(self._process.stdout, on_out), self._reader(self._process.stderr, on_err)]
        with suppress(BrokenPipeError), _open(self._process.stdin) as stdin:
            stdin.write(first_word)

    @property
    def pid(self) -> int:
        """Of the warden, the parent of all."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The command's, 128 + N for signal N; None while it runs."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def check(self) -> None:
        """Raises what the taker of the output raised, if it did."""
        if self._trouble is not None:
            raise self._trouble

    def read_out(self) -> None:
        """Wait until the output of an ended command was forwarded to its last byte."""
        for reader in self._readers:
            reader.join(_JOIN_SECONDS)

    def end(self) -> None:
        """End every process of the command. A second call does nothing."""
        if self._lifeline < 0:
            return
        os.close(self._lifeline)
        self._lifeline = -1
        try:
            self._process.wait(self._grace)
        except subprocess.TimeoutExpired:
            self._end_without_warden()
        self.read_out()

    def _reader(self, stream: IO[bytes] | None, forward: Callable[[bytes], object]) -> threading.Thread:
        thread = threading.Thread(target=self._read, args=(_open(stream), forward), name="local-output", daemon=True)
        thread.start()
        return thread

    def _read(self, stream: IO[bytes], forward: Callable[[bytes], object]) -> None:
        with stream:
            while data := os.read(stream.fileno(), PORTION):
                try:
                    if self._trouble is None:
                        forward(data)
                except Exception as error:  # handed to the attempt's own thread by `check`
                    self._trouble = error

    def _end_without_warden(self) -> None:
        """It was stopped or hangs: end what can be seen below it, then itself."""
        with suppress(psutil.Error):
            for child in psutil.Process(self.pid).children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def end_strays(home: Path) -> None:
    """End processes of an attempt that are known only by HOME in their environment: those of a killed warden."""
    for _ in range(_STRAY_PASSES):
        strays = [process for process in psutil.process_iter() if _home_of(process) == str(home)]
        if not strays:
            return
        for process in strays:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(_STRAY_PAUSE)


def _home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("HOME")
    except (psutil.Error, OSError):
        return None  # gone, or somebody else's


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("not a pipe")
    return stream
