"""The parent of every process of a `local` attempt: when it is told to, or its command ends, all of them are dead.

Run as a script: `python -I -S warden.py LIFELINE COMMAND…`. Pure stdlib, because it starts once per attempt and must
not depend on anything the attempt could change. LIFELINE is the number of an inherited descriptor, the reading end of
a pipe that only the host holds open: its end (also that of a SIGKILLed host), SIGTERM, SIGINT, SIGHUP or the end of
the command lead to the same thing. stdin, stdout and stderr are the command's. Exit code: the command's, 128 + N for
signal N, 127 if it could not be started.

On Linux the warden is the "child subreaper" (prctl(2)): double-forked and setsid processes become its children, so
none gets away. Where there is none (macOS), it ends what is in the command's process group and what descends from it
by `ps`; a process that did both, fork twice and leave the group, is out of its reach.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

SWEEP_SECONDS = 10.0
_PAUSE = 0.01
_PR_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform.startswith("linux")


def main(lifeline: int, command: list[str]) -> int:
    """Start `command`, wait for its end or for a reason to end it, end everything. Returns the exit code."""
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the wake-up descriptor carries the number
    if _LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        child = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"warden: cannot start {command[0]}: {error.strerror}\n")
        return 127
    code = _wait(child.pid, lifeline, wake)  # `child` lives on: its end would take the exit code with it
    end_all(child.pid)
    return 128 + signal.SIGKILL if code is None else code


def _wait(child: int, lifeline: int, wake: int) -> int | None:
    """The exit code of `child`, None when it is to be ended."""
    while True:
        ready, _, _ = select.select([lifeline, wake], [], [])
        if wake in ready and any(number != signal.SIGCHLD for number in os.read(wake, 4096)):
            return None
        code = _reap()[0].get(child)
        if code is not None:
            return code
        if lifeline in ready:
            return None


def end_all(group: int) -> None:
    """SIGKILL every descendant until none is left, at most SWEEP_SECONDS. First all are stopped: none can fork on.

    A list of processes is old when it is read: who forks and exits all the time is never on it. So the kernel's word
    counts where there is one: a subreaper has a child as long as it has any descendant.
    """
    deadline = time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < deadline:
        stopped = _stop_all(group)
        for pid in stopped:
            _send(pid, signal.SIGKILL)
        _, any_left = _reap()
        if not (any_left if _LINUX else stopped):
            return
        time.sleep(_PAUSE)


def _stop_all(group: int) -> set[int]:
    """SIGSTOP whatever descends from here, until nothing new is seen; the pids. Our own children come first and at
    once: who lives for a millisecond must be hit within it, and a look at every process takes longer."""
    stopped: set[int] = set()
    while new := (_children() - stopped) or (_descendants(group) - stopped):
        for pid in new:
            _send(pid, signal.SIGSTOP)
        stopped |= new
    return stopped


def _children() -> set[int]:
    """Our own children as the kernel lists them; empty where it does not."""
    try:
        return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    except OSError:
        return set()


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # gone, or set-uid: not ours to end


def _reap() -> tuple[dict[int, int], bool]:
    """The exit codes of the children that have ended, ours and adopted ones, and whether any other is left."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended, False
        if pid == 0:
            return ended, True
        code = os.waitstatus_to_exitcode(status)
        ended[pid] = 128 - code if code < 0 else code


def _descendants(group: int) -> set[int]:
    """Living processes below this one; where orphans do not come to us, also those of process group `group`."""
    table = _linux_table() if _LINUX else _ps_table()
    found = set() if _LINUX else {pid for pid, (_, its_group) in table.items() if its_group == group}
    border = {os.getpid()} | found
    while border:
        border = {pid for pid, (parent, _) in table.items() if parent in border} - found
        found |= border
    return found - {os.getpid()}


def _linux_table() -> dict[int, tuple[int, int]]:
    """pid → (parent, process group) of every process that is no zombie."""
    table = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, group = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:3]
        except OSError:
            continue  # ended while we looked
        if state not in (b"Z", b"X"):
            table[int(entry.name)] = (int(parent), int(group))
    return table


def _ps_table() -> dict[int, tuple[int, int]]:
    """The same where there is no /proc, without `ps` itself: it would be a descendant that is never gone."""
    ps = subprocess.Popen(["/bin/ps", "-axo", "pid=,ppid=,pgid=,stat="], stdout=subprocess.PIPE, text=True)
    rows = (line.split() for line in ps.communicate()[0].splitlines())
    table = {int(row[0]): (int(row[1]), int(row[2])) for row in rows if len(row) == 4 and not row[3].startswith("Z")}
    table.pop(ps.pid, None)
    return table


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
