"""One shell command: what it writes is passed on line by line, its end is kept, nothing of it outlives its time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from types import FrameType
from typing import IO

from runner.gitio import VICTIM_FIRST

TIMED_OUT = 124
NOT_STARTED = 126
KEPT_BYTES = 8_000
_BLOCK = 64 * 1024
_TICK = 0.05
_OURS = ("PITHY_", "OPENAI_", "ANTHROPIC_")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended: its exit code (as a shell tells it), seconds, the last KEPT_BYTES of what it wrote."""

    exit_code: int
    seconds: float
    output: str


def run(command: str, cwd: Path, seconds: float, sink: Callable[[bytes], None]) -> Ran:
    """Run `sh -c COMMAND` in `cwd`, without input, for at most `seconds`; `sink` gets stdout and stderr, whole lines.

    Afterwards every process of its group is dead, whether it ended (TIMED_OUT: it did not) or this call is left early.
    """
    started = time.monotonic()
    output = _Output(sink)
    with ExitStack() as afterwards:
        with _signals_held():  # one that came before the group is noted would leave it behind
            try:
                process = subprocess.Popen(
                    [*VICTIM_FIRST, "sh", "-c", command], cwd=cwd, env=_environment(), stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            except OSError as error:  # an earlier command may have removed the folder
                return Ran(exit_code=NOT_STARTED, seconds=0.0, output=f"the command could not be started: {error}")
            afterwards.enter_context(process)
            afterwards.callback(_end_group, process.pid)
        code = _follow(process, started + seconds, output)
    output.close()
    return Ran(exit_code=code, seconds=time.monotonic() - started, output=output.end())


@contextmanager
def _signals_held() -> Iterator[None]:
    """What asks this process to end waits until the block is left. A mask would be handed on to the child."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    handlers = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for caught, handler in handlers.items():
            signal.signal(caught, handler)
        for number in came:
            signal.raise_signal(number)


def _follow(process: subprocess.Popen[bytes], deadline: float, output: _Output) -> int:
    """Pass the output on until the command has ended; returns its exit code.

    A program it left in the background may hold the pipe open: what is in there when the command has ended is read.
    """
    assert process.stdout is not None
    with DefaultSelector() as selector:
        selector.register(process.stdout, EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            ended = process.poll() is not None
            if selector.select(0 if ended else min(left, _TICK)):
                if not (data := _read(process.stdout)):
                    break
                output.take(data)
            elif ended:
                break
    try:
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return TIMED_OUT
    return code if code >= 0 else 128 - code


def _read(pipe: IO[bytes]) -> bytes:
    return os.read(pipe.fileno(), _BLOCK)


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nobody is left; macOS says it of a zombie in these words


def _environment() -> dict[str, str]:
    """This process's, without its own settings, the way to the model, and the path on which the runner is found."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith(_OURS)}


class _Output:
    """Whole lines to `sink`, the last bytes kept; takes any amount in bounded memory."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._line = b""
        self._end = b""

    def take(self, data: bytes) -> None:
        self._end = (self._end + data)[-KEPT_BYTES:]
        self._line += data
        cut = self._line.rfind(b"\n") + 1 or (len(self._line) if len(self._line) > _BLOCK else 0)
        if cut:
            self._sink(self._line[:cut])
            self._line = self._line[cut:]

    def close(self) -> None:
        """The last line, which has no end of its own, gets one."""
        if self._line:
            self._sink(self._line + b"\n")

    def end(self) -> str:
        return self._end.decode("utf-8", "replace")
