"""Commands that take the runner's place in tests of `local`, and what they leave to look at.

They are started with a scrubbed environment; all they know is HOME, where they write what the test reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from tests.support import wait_until

DAEMON = """
import os, signal, subprocess, sys, time
from pathlib import Path

def note(name):
    draft = Path(os.environ["HOME"], name + ".new")
    draft.write_text(str(os.getpid()))
    draft.rename(Path(os.environ["HOME"], name))

note("runner")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        note("daemon")
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"], {})
    os._exit(0)
"""
"""Leaves a process that forked twice, left its session, ignores signals and has an empty environment."""
STAY = "\ntime.sleep(600)\n"
WAIT_FOR_JOB = """
while not Path(os.environ["PITHY_JOB"]).exists():
    time.sleep(0.01)
"""


def python(source: str) -> list[str]:
    """The command that runs `source`."""
    return [sys.executable, "-c", source]


def pid_in(home: Path, name: str) -> int:
    """The pid that a stand-in noted as `name`; waits for it."""
    return int(wait_until(lambda: (home / name).is_file() and (home / name).read_text(), what=f"the pid of {name}"))


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(*pids: int) -> None:
    wait_until(lambda: not any(map(is_running, pids)), what=f"the end of {pids}")
