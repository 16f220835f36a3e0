"""Whether the engine answers, asked as often as somebody needs to know it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from pithy_local.errors import PithyError
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.store.orphans import Orphans
from pithy_local.store.tasks import Tasks

NEEDS_ENGINE = "docker"
BELIEVED_SECONDS = 3.0
"""How long an answer is believed."""
IDLE_SECONDS = 15.0
"""The same while nothing waits for it."""


class EngineWatch:
    """For one supervisor's tasks: `ids`, None = the whole queue."""

    def __init__(self, bench: Workbench, ids: Sequence[str] | None) -> None:
        self._bench, self._ids = bench, ids
        self._tasks, self._orphans = Tasks(bench.store), Orphans(bench.store)
        self._asked, self._heard = -IDLE_SECONDS, -math.inf
        self.silent: PithyError | None = None
        """Why it does not answer, whether anything waits for it or not."""
        self.problem: PithyError | None = None
        """The same, while something waits for it."""

    def answers(self) -> bool:
        """Whether a task waits for the engine and it answers. Without one it is asked less often, just to be shown."""
        waits = self._tasks.claimable((NEEDS_ENGINE,), self._ids) or self._orphans.waiting(NEEDS_ENGINE, self._ids)
        believed = BELIEVED_SECONDS if waits else IDLE_SECONDS
        wanted = waits or (self._bench.settings.executor == NEEDS_ENGINE and self._ids is None)
        if wanted and time.monotonic() - self._asked >= believed:
            self.silent = self._ask()
            self._asked = time.monotonic()
            if self.silent is None:
                self._heard = self._asked
        self.problem = self.silent if waits else None
        return bool(waits) and self.silent is None

    @property
    def silent_for(self) -> float:
        """Seconds since it last answered here; infinite if it never did."""
        return time.monotonic() - self._heard

    def doubt(self) -> None:
        """Believe no earlier answer."""
        self._asked = -IDLE_SECONDS

    def _ask(self) -> PithyError | None:
        try:
            self._bench.executor(NEEDS_ENGINE).check()
        except PithyError as error:
            return error
        return None
