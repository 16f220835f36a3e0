"""Working the queue in this process."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pithy_local.errors import ErrorCode, PithyError, Refused
from pithy_local.models import Status, Stop
from pithy_local.service.app import App
from pithy_local.service.holding import explain_pause, pause_hint, paused, waiting, waits
from pithy_local.service.reading import find
from pithy_local.store.holds import Pause
from pithy_local.store.processes import NAMED, Processes
from pithy_local.store.tasks import Tasks

if TYPE_CHECKING:  # heavy: only a worker needs it
    from pithy_local.lifecycle.supervisor import Supervisor as Worker

Say = Callable[[str], None]
LOOK_SECONDS = 0.1
IDLE_LOOK_SECONDS = 0.5
"""The same where nobody waits for the end: a queue that is worked all night costs next to nothing."""
PATIENCE = 60.0
"""Seconds that a run which is to end waits for an engine that went away: it may only be restarted."""


class StopSign(threading.Event):
    """Set when the work is to stop; `how` says what becomes of what runs then."""

    how = Stop.CANCEL


def worker(app: App, *, say: Say, kind: str = "run", ids: Sequence[str] = (), jobs: int | None = None) -> Worker:
    """A supervisor for this process, not started. `ids` (whole ids) limits it to these tasks."""
    from pithy_local.lifecycle.factory import make_workbench
    from pithy_local.lifecycle.supervisor import Supervisor

    bench = make_workbench(settings=app.settings, secrets=app.secrets, home=app.home, store=app.store, clock=app.clock)
    return Supervisor(bench, kind=kind, say=say, ids=ids, jobs=jobs)


def has_worker(app: App) -> bool:
    """Whether some living process works the whole queue of this home."""
    return Processes(app.store).any_alive()


def forsaken(app: App) -> set[str]:
    """The ids of running tasks that no living process has: the next worker goes on with them."""
    running = Tasks(app.store).select(statuses=[Status.RUNNING])
    held = {owned.task.id for owned in Processes(app.store).owned() if owned.owner_alive} if running else set()
    return {task.id for task in running} - held


def run(
    app: App,
    *,
    ids: Sequence[str] = (),
    jobs: int | None = None,
    until_idle: bool = False,
    patient: bool = False,
    stop: StopSign,
    say: Say,
) -> None:
    """Work the queue here until `stop` is set or, with `until_idle` or `ids`, until nothing may be claimed any more.

    `patient`: with `ids`, wait for what is parked or behind a rate limit, too. What still runs when `stop` is set is
    dealt with as it says. A pause is waited for; where this would end, the tasks it leaves are an error.
    Raises PithyError(docker_unreachable) when only tasks that need the engine wait and it does not answer: at the
    start, and, where this would end, a minute after it went away. Raises Refused and PithyError(budget) when a pause
    leaves tasks; they stay queued. Where this would end, PithyError (disk_full, store) when nothing could be written
    for a minute.
    """
    whole = [find(app, ref).id for ref in ids]
    supervisor = worker(app, say=say, kind=NAMED if whole else "run", ids=whole, jobs=jobs)
    if not whole and not until_idle and app.settings.executor == "docker":
        supervisor.bench.executor("docker").check()
    news = _News(app, whole, say)
    ends = until_idle or bool(whole)
    patience = PATIENCE if ends else math.inf
    with supervisor:
        while not stop.wait(LOOK_SECONDS if ends else IDLE_LOOK_SECONDS):
            if supervisor.failure is not None:
                raise supervisor.failure
            problem = supervisor.engine_problem
            if problem and not supervisor.running and supervisor.engine_silent_for > patience:
                raise problem
            news.tell_engine(problem)
            if not ends:
                news.tell_pause()
            elif supervisor.store_problem is not None:
                raise supervisor.store_problem
            elif supervisor.idle and not (patient and news.unfinished()):
                break
        if stop.is_set():
            supervisor.stop(stop.how)
    if not stop.is_set():
        _refuse_held(app, whole)


class _News:
    """Says once why nothing happens: that the queue is paused, and until when named tasks wait."""

    def __init__(self, app: App, ids: Sequence[str], say: Say) -> None:
        self._app, self._ids, self._say = app, ids, say
        self._token: tuple[int, int] | None = None
        self._pause: Pause | None = None
        self._engine_gone = False
        self._said = ""

    def tell_pause(self) -> None:
        """That the queue is paused, or goes on. Called at every turn; reads only after a change."""
        token = self._app.store.change_token()
        if token == self._token:
            return
        self._token = token
        found = paused(self._app)
        if found != self._pause:
            self._say(explain_pause(self._app, found) if found else "the queue goes on")
        self._pause = found

    def tell_engine(self, problem: PithyError | None) -> None:
        """That tasks wait for the engine, or go on."""
        gone = problem is not None and problem.code is ErrorCode.DOCKER_UNREACHABLE
        if gone != self._engine_gone:
            self._say(
                "the Docker engine does not answer: waiting for it" if gone else "the Docker engine answers again"
            )
        self._engine_gone = gone

    def unfinished(self) -> bool:
        """Whether named tasks will be worked yet; until when they wait is said once for each time."""
        if _holds_named(paused(self._app)):
            return False
        tasks = [find(self._app, task_id) for task_id in self._ids]
        for task_id, wait in waits(self._app, tasks).items():
            words = f"{task_id} waits until {wait.words(self._app.clock.now_ms())}"
            if words != self._said:
                self._say(words)
            self._said = words
        return not all(task.status.settled for task in tasks)


def _refuse_held(app: App, ids: Sequence[str]) -> None:
    """Raise when a pause left tasks in the queue that would have been worked."""
    found = paused(app)
    if found is None or (ids and not _holds_named(found)):
        return
    tasks_left = waiting(app, ids or None)
    left = len(tasks_left)
    if left == len(waits(app, tasks_left)):  # without the pause none of them would have been worked either
        return
    tasks = "1 task stays queued" if left == 1 else f"{left} tasks stay queued"
    if found.reason == "budget":
        raise PithyError(ErrorCode.BUDGET, f"the day's budget is spent: {tasks}")
    raise Refused(f"the queue is paused: {tasks}", hint=pause_hint(found))


def _holds_named(found: Pause | None) -> bool:
    """A spent budget holds every task; a pause of the user's only those that were not named."""
    return found is not None and found.reason == "budget"
