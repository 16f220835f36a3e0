"""The verify commands of one sandbox, whatever kind it is: run in order, timed, the end of their output kept."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import AttemptHost, VerifyJob, VerifyRun
from pithy_local.models import Stream

OUTPUT_BYTES = 8_000
TIMED_OUT = 124
"""The exit code of a command that took too long, as timeout(1) has it."""
KILLED = 137
"""The exit code of a command that got SIGKILL, 128 + 9: from the kernel, where the memory is used up."""
CHECKOUT_SECONDS = 300.0

_SHELL = (
    "sh", "-c",
    "{ echo 1000 > /proc/self/oom_score_adj; } 2> /dev/null"  # the memory limit hits the command, not the sandbox
    '; exec 2>&1; cd repo && exec sh -c "$1"',
    "sh",
)  # fmt: skip
"""Runs the word after it as a command of the shell in the work tree, both its streams as one, in their true order."""
_CHECKOUT = (
    "sh", "-c",
    "exec 2>&1; export GIT_CONFIG_NOSYSTEM=1"  # a filter that a machine has configured must not run over the files
    '; git clone -q --no-checkout --no-hardlinks --no-tags --template= --branch "$1" -- repo.git repo'
    ' && cd repo && git remote remove origin && git reset -q --hard "$2"',
    "sh",
)  # fmt: skip
"""Makes the work tree as the runner makes its own. $1: the branch, $2: the commit."""
_WHERE = {"vbase": "on the base", "vpatch": "on the change"}

Take = Callable[[bytes], None]


class Place(Protocol):
    """A sandbox that holds the bundle `repo.git`, and after `check_out` the work tree `repo` beside it."""

    def run(self, argv: Sequence[str], *, seconds: float, take: Take) -> int | None:
        """Run a program in the folder that holds both; its exit code, None when its time was over.

        `take` gets what it writes. Raises PithyError (oom: the sandbox is dead) and what else ends the attempt.
        """

    def clear(self) -> bool:
        """End what earlier programs left running. False when that cannot be done: no further one would be itself."""


def check_out(job: VerifyJob, place: Place) -> None:
    """Make the work tree at the job's commit. Raises PithyError (disk_full, internal)."""
    said = _Tail()
    argv = (*_CHECKOUT, job.branch, job.sha)
    code = place.run(argv, seconds=CHECKOUT_SECONDS, take=said.add)
    if code != 0:
        full = os.strerror(errno.ENOSPC) in said.text
        message = "the commit to verify could not be checked out"
        detail = {"message": said.text.strip()[-500:], "exit_code": code}
        raise PithyError(ErrorCode.DISK_FULL if full else ErrorCode.INTERNAL, message, detail=detail)


def run_all(job: VerifyJob, host: AttemptHost, place: Place) -> list[VerifyRun]:
    """A result for each of the job's commands, in their order. Raises what `place.run` and the host raise."""
    runs: list[VerifyRun] = []
    usable = True
    for command in job.commands:
        usable = usable and (not runs or place.clear())
        if not usable:
            host.say(f"not run: $ {command}")
            runs.append(VerifyRun(command=command, exit_code=None, seconds=0.0, output=""))
            continue
        host.say(f"verify ({_WHERE.get(job.role, job.role)}): $ {command}")
        output = _Tail()
        started = time.monotonic()
        ended = _run_one(job, host, place, command, output)
        seconds = time.monotonic() - started
        if not output.ends_a_line:
            host.output(Stream.OUT, b"\n")  # what comes next in the log begins a line of its own
        host.say(f"exit {ended.code} after {seconds:.1f} s" + (f": {ended.why}" if ended.why else ""))
        runs.append(VerifyRun(command=command, exit_code=ended.code, seconds=seconds, output=output.text))
        usable = not ended.last
    return runs


@dataclass(frozen=True, kw_only=True)
class _Ended:
    """How a command ended. `why`: what the exit code alone does not say; `last`: the sandbox is good for no other."""

    code: int
    why: str = ""
    last: bool = False


def _run_one(job: VerifyJob, host: AttemptHost, place: Place, command: str, output: _Tail) -> _Ended:
    def take(data: bytes) -> None:
        output.add(data)
        host.output(Stream.OUT, data)

    try:
        code = place.run((*_SHELL, command), seconds=job.seconds, take=take)
    except PithyError as error:
        if error.code is not ErrorCode.OOM:
            raise
        return _Ended(code=KILLED, why=error.message, last=True)
    if code is None:
        return _Ended(code=TIMED_OUT, why=f"it took longer than {job.seconds:g} s and was ended", last=True)
    return _Ended(code=code, why="killed, probably for lack of memory" if code == KILLED else "")


class _Tail:
    """The end of what a program writes."""

    def __init__(self) -> None:
        self._data = b""

    def add(self, data: bytes) -> None:
        self._data = (self._data + data)[-OUTPUT_BYTES:]

    @property
    def text(self) -> str:
        return self._data.decode("utf-8", "replace")

    @property
    def ends_a_line(self) -> bool:
        return not self._data or self._data.endswith(b"\n")
