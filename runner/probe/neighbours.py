"""What can be seen of the host and of other users' processes: of the door's, for one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from runner.probe.check import Check, Finding, in_child, none_of, refusal
from runner.probe.kernel import attempt
from runner.probe.privileges import status
from runner.probe.tree import tree

HOST = "nothing of the host"
NAME = "sandbox"
KERNEL_THREADS = {"kthreadd", "ksoftirqd/0", "migration/0"}
PTRACE_SEIZE = 0x4206
IPC = ("shm", "sem", "msg")


def processes() -> Finding:
    """A process namespace of its own shows none of the kernel's threads."""
    names = {number: _name(number) for number in _numbers()}
    found = [f"{name} ({number})" for number, name in names.items() if name in KERNEL_THREADS]
    return none_of(found, f"{len(names)} processes, all of the sandbox")


def other_users() -> Finding:
    """Each process of somebody else: it takes no signal, gives away neither memory nor environment, is not traced."""
    others = [number for number in _numbers() if _user(number) not in (None, os.getuid())]
    found = [
        f"{_name(number)} {what}"
        for number in others
        for what, refused in in_child(_reaches(number)).items()
        if refused is None
    ]
    return none_of(found, f"{len(others)} processes of others, all out of reach" if others else "there is none")


def host_name() -> Finding:
    name = socket.gethostname()
    return Finding(name == NAME, name)


def shared_memory() -> Finding:
    """System V IPC of an other's: a namespace of its own begins empty."""
    found = [kind for kind in IPC if len(Path(f"/proc/sysvipc/{kind}").read_text().splitlines()) > 1]
    return none_of(found, "none")


def engine_sockets() -> Finding:
    """Sockets in the file system and those with a name alone: containerd's shim once listened on one."""
    named = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return none_of([*tree().sockets, *sorted({name for name in named if name.startswith("@")})], "none")


def _numbers() -> list[int]:
    return sorted(int(path.name) for path in Path("/proc").glob("[0-9]*"))


def _name(number: int) -> str:
    try:
        return Path(f"/proc/{number}/comm").read_text().strip()
    except OSError:
        return "?"  # it has ended


def _user(number: int) -> int | None:
    """None: it has ended."""
    try:
        return int(status(number)["Uid"].split()[0])
    except OSError:
        return None


def _reaches(number: int) -> dict[str, Callable[[], str | None]]:
    """Ways to get at another process."""
    return {
        "takes signals": lambda: refusal(lambda: os.kill(number, 0)),
        "shows its environment": lambda: _unreadable(number, "environ"),
        "shows its memory": lambda: _unreadable(number, "mem"),
        "can be traced": lambda: attempt("ptrace", PTRACE_SEIZE, number, 0, 0),
    }


def _unreadable(number: int, name: str) -> str | None:
    return refusal(lambda: Path(f"/proc/{number}/{name}").open("rb").close())


CHECKS = (
    Check(id="host.processes", title="no process of the host is seen", promise=HOST, look=processes),
    Check(id="host.name", title="the host name says nothing", promise=HOST, look=host_name),
    Check(id="host.ipc", title="no shared memory, semaphore or queue of others", promise=HOST, look=shared_memory),
    Check(id="host.engine", title="no socket of an engine", promise=HOST, look=engine_sockets),
    Check(
        id="host.other-users", title="processes of other users, the door's among them, are out of reach",
        promise="no privilege", look=other_users,
    ),
)  # fmt: skip
