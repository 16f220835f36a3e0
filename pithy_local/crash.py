"""Named places where the tests let the process die, to prove that nothing is lost there (docs/durability.md).

`PITHY_CRASH=name` or `name:nth` arms one: the process ends at its first (nth) visit as `kill -9` would end it, with
nothing flushed, closed or told to anybody. `PITHY_CRASH_LOG=FILE` alone or with it writes each visit down, one name a
line. Both are read once, at import. Unarmed, `point` is a function that does nothing.
"""

import os
import threading
from collections import Counter

POINTS = (
    "claimed",
    "prepared",
    "create.intended",
    "created",
    "started",
    "put_in",
    "agent.entered",
    "handed_over",
    "event.taken",
    "diff.taken",
    "result.taken",
    "watched",
    "collecting.entered",
    "removed",
    "collected",
    "diff.kept",
    "verifying.entered",
    "committed",
    "delivering.entered",
    "push.intended",
    "pushed",
    "push.recorded",
    "pr.intended",
    "pr.opened",
    "pr.recorded",
    "settling",
    "settled",
    "log.appended",
)
"""Every name there is, in the order of an attempt's life; log.appended may come at any time."""

EXIT = 137
"""The exit code of a process that died at a point: what a shell reports for SIGKILL."""


class _Armed:
    """Counts visits; ends the process at one of them."""

    def __init__(self, target: str, log: str):
        name, _, nth = target.partition(":")
        if name and not (name in POINTS and (nth or "1").isdecimal()):
            raise ValueError(f"PITHY_CRASH names no crash point: {target}")
        self._name = name
        self._nth = int(nth or 1)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log else None
        self._visits: Counter[str] = Counter()
        self._lock = threading.Lock()

    def point(self, name: str) -> None:
        if name not in POINTS:
            raise ValueError(f"not in crash.POINTS: {name}")
        with self._lock:
            self._visits[name] += 1
            if self._log is not None:
                os.write(self._log, f"{name}\n".encode())
            if name == self._name and self._visits[name] == self._nth:
                os._exit(EXIT)


def _unarmed(name: str) -> None:
    """A place where the tests may let this process die; `name` is one of POINTS."""


_target, _log = os.environ.get("PITHY_CRASH", ""), os.environ.get("PITHY_CRASH_LOG", "")
point = _Armed(_target, _log).point if _target or _log else _unarmed
