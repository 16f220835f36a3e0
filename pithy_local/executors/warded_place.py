"""Commands of the local executor: each under a warden of its own, until it ends or must end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from pithy_local.errors import Cancelled
from pithy_local.executors.base import AttemptHost
from pithy_local.executors.commands import Take
from pithy_local.executors.room import Room
from pithy_local.executors.warded import Warded

TICK_SECONDS = 0.05


class WardedPlace:
    """Implements `commands.Place` in a room."""

    def __init__(self, room: Room, host: AttemptHost) -> None:
        self._room, self._host = room, host

    def run(self, argv: Sequence[str], *, seconds: float, take: Take) -> int | None:
        with Warded(argv, env=self._room.environment(), cwd=self._room.path, on_out=take, on_err=take) as command:
            return exit_code(command, self._host, seconds)

    def clear(self) -> bool:
        """Each command's warden has done that."""
        return True


def exit_code(
    command: Warded, host: AttemptHost, seconds: float, enough: Callable[[], bool] = lambda: False
) -> int | None:
    """Wait for the end of a command, and of its output, and return its exit code.

    None after `seconds`, or when there was `enough`: it still runs then. Raises what the taker of its output raised,
    Cancelled, LeaseLost.
    """
    deadline = time.monotonic() + seconds
    while command.exit_code is None:
        if enough() or time.monotonic() >= deadline:
            return None
        command.check()
        stop_if_asked(host, TICK_SECONDS)
    command.read_out()
    command.check()
    return command.exit_code


def stop_if_asked(host: AttemptHost, seconds: float = 0.0) -> None:
    """Wait at most `seconds` for a reason to stop; raise it."""
    if host.stopping.wait(seconds):
        host.checkpoint()
        raise Cancelled
