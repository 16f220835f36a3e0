"""One check, and how a call is tried that may be refused, may end the process, or may even succeed."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

LIBC = ctypes.CDLL(None, use_errno=True)
MACHINE = os.uname().machine
CHILD_SECONDS = 5


class Finding(NamedTuple):
    """Whether the promise holds, and what was found, in words. Never a secret: names alone."""

    ok: bool
    found: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """`id` is `theme.name`; `title` says what holds; `promise` is the row of docs/security.md that it holds up."""

    id: str
    title: str
    promise: str
    look: Callable[[], Finding]

    def run(self) -> Finding:
        """The finding; a look that fails is one too: what cannot be seen is not promised."""
        try:
            return self.look()
        except Exception as error:
            return Finding(False, f"could not be looked at: {type(error).__name__}: {error}")


def none_of(found: list[str], otherwise: str) -> Finding:
    """Good if nothing was found; at most eight of what was are named."""
    if not found:
        return Finding(True, otherwise)
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    return Finding(False, ", ".join(found[:8]) + more)


def refusal(call: Callable[[], object]) -> str | None:
    """The errno's name with which `call` was refused; None when it worked."""
    try:
        call()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return None


def syscall(number: int, *args: int) -> str | None:
    """As `refusal`, of a raw system call. A forked child of it ends here."""
    ctypes.set_errno(0)
    answer = LIBC.syscall(ctypes.c_long(number), *(ctypes.c_long(arg) for arg in args))
    if answer >= 0:
        return None
    return errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))


def in_child(calls: Mapping[str, Callable[[], str | None]]) -> dict[str, str | None]:
    """What each call returned, each in a child of its own; `killed by SIGSYS` where it ended the child."""
    return {name: _in_child(call) for name, call in calls.items()}


def _in_child(call: Callable[[], str | None]) -> str | None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(CHILD_SECONDS)  # a call that blocks ends by this
        try:
            answer = call()
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, b"worked" if answer is None else b"=" + answer.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        said = pipe.read().decode()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return None if said.startswith("worked") else said.removeprefix("=") or "no answer"
