"""Responses that get lost at random, in a way that a task must survive; drawn from a seed, and counted."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable

from tests.crash.trial import Trial
from tests.fakes.faults import Break, Chance, Drop, Fail, Fault, LoseAnswer
from tests.fakes.github_state import DOCS

_LIMITED = {"message": "You have exceeded a secondary rate limit.", "documentation_url": DOCS}
_BROKEN = {"message": "Server Error", "documentation_url": DOCS}
Draw = Callable[[random.Random], Fault]


def _github(status: int, body: object, **headers: str) -> Draw:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Fail(status=status, body=json.dumps(body).encode(), headers=named)


_LOST: Draw = lambda _: LoseAnswer()  # noqa: E731 - one of a table of draws
_DROPPED: Draw = lambda _: Drop()  # noqa: E731 - the same
_CUT: Draw = lambda dice: Break(after=dice.randrange(100, 60_000))  # noqa: E731 - the same

FORGE: dict[str, tuple[Draw, ...]] = {
    "pulls/create": (_LOST, _LOST, _DROPPED, _github(500, _BROKEN), _github(403, _LIMITED, Retry_After="1")),
    "pulls/list": (_DROPPED, _github(200, []), _github(502, _BROKEN)),
}
"""What GitHub does wrong: `200 []` is a list that does not show yet what was opened a moment ago."""
GIT: dict[str, tuple[Draw, ...]] = {"git-receive-pack pack": (_LOST, _DROPPED), "git-upload-pack pack": (_DROPPED,)}
ENGINE: dict[str, tuple[Draw, ...]] = {
    "POST containers/create": (_LOST,),
    "POST containers/start": (_LOST,),
    "GET containers/logs": (_CUT, _DROPPED),
    "DELETE containers": (_LOST,),
}


class Mishaps:
    """Spoils this share of the requests that the tables name. `counts`: what was spoilt, by operation and how."""

    def __init__(self, seed: int, share: float) -> None:
        self.counts: Counter[str] = Counter()
        self._dice, self._share, self._lock = random.Random(seed), share, threading.Lock()

    def befall(self, trial: Trial) -> None:
        """All peers of this trial, from now on."""
        trial.world.github.leave_to_chance(self._of(FORGE))
        trial.world.git_server.leave_to_chance(self._of(GIT))
        if trial.proxy is not None:
            trial.proxy.leave_to_chance(self._of(ENGINE))

    def _of(self, table: dict[str, tuple[Draw, ...]]) -> Chance:
        def chance(operation: str) -> Fault | None:
            with self._lock:
                if operation not in table or self._dice.random() >= self._share:
                    return None
                fault = self._dice.choice(table[operation])(self._dice)
                self.counts[f"{operation}: {_named(fault)}"] += 1
                return fault

        return chance


def _named(fault: Fault) -> str:
    return str(fault.status) if isinstance(fault, Fail) else type(fault).__name__
