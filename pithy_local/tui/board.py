"""What the dashboard asks of the product: records to show and four verbs. Only this module calls the service.

Every method may block on a disk or a network and is called from worker threads, but `token`, `engine` and
`running_here`, which cost microseconds and are read at each tick.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pithy_local import service
from pithy_local.models import LogLine, Task
from pithy_local.service import Overview

NEWEST = 500
"""Tasks that are loaded; older ones are for `list --all`."""

PAGE = 256
"""Log lines in a page. Page p holds the lines with seq p*PAGE+1 … (p+1)*PAGE: seq has no gaps."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One task of the table; `doing` is the host's or the runner's last word about a running attempt."""

    task: Task
    doing: str = ""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The queue at one moment: the newest tasks first."""

    entries: tuple[Entry, ...] = ()
    overview: Overview = field(default_factory=Overview)


@dataclass(frozen=True, kw_only=True)
class LogPart:
    """Pages of one task's log by number, and how many lines it has by now."""

    task: str
    end: int
    pages: Mapping[int, tuple[LogLine, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A task as the user writes it."""

    repo: str = ""
    prompt: str = ""
    base: str = ""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What would run a task here, in a few words; `problem` is why it cannot, `hint` what to do."""

    label: str
    isolated: bool = True
    working: bool = True
    problem: str = ""
    hint: str = ""


class Board(Protocol):
    """The dashboard's whole world: `ServiceBoard` in the product, one in memory in the tests."""

    say: Callable[[str], None]
    """Called from any thread with one line of the supervisor's narration."""

    def start(self) -> None:
        """Start working the queue, if this board does. Raises PithyError."""

    def stop(self) -> None:
        """Cancel what runs in this process and wait until nothing of it is left. Idempotent."""

    def token(self) -> tuple[int, int]:
        """Differs after any process changed the queue (the first number) or a log (the second)."""

    def engine(self) -> Engine: ...

    def running_here(self) -> int:
        """Attempts of this very process."""

    def snapshot(self) -> Snapshot:
        """Raises PithyError (store)."""

    def log(self, task_id: str, pages: Collection[int] = (), *, newest: int = 0) -> LogPart:
        """These pages and the last `newest` ones. Raises PithyError (store)."""

    def add(self, draft: Draft) -> tuple[Task, tuple[str, ...]]:
        """The queued task and warnings. Raises PithyError with what to do about it."""

    def cancel(self, task_id: str) -> Task:
        """Raises Refused for a settled task, NoSuchTask."""


class ServiceBoard:
    """The board over `pithy_local.service`, with a worker of its own or as a mere watcher.

    `token` does not see what its own thread writes (SQLite's data_version): the thread that polls must not write.
    """

    def __init__(self, app: service.App, *, worker: bool) -> None:
        self.say: Callable[[str], None] = lambda text: None
        self._app = app
        self._worker = service.worker(app, say=lambda text: self.say(text), kind="tui") if worker else None

    def start(self) -> None:
        if self._worker is not None:
            self._worker.start()

    def stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()

    def token(self) -> tuple[int, int]:
        return service.change_token(self._app)

    def engine(self) -> Engine:
        executor = self._app.settings.executor
        isolated = executor != "local"
        label = f"{executor} (sealed)" if isolated else f"{executor} UNISOLATED"
        if self._worker is None:
            return Engine(label=label, isolated=isolated, working=False)
        failure = self._worker.failure
        if failure is not None:
            reason = f"stopped: {type(failure).__name__}: {failure}."
            return Engine(label="worker", isolated=isolated, problem=reason, hint="Quit and open the dashboard again.")
        problem = self._worker.engine_problem or self._worker.engine_silent
        if problem is None:
            return Engine(label=label, isolated=isolated)
        return Engine(label=executor, isolated=isolated, problem=problem.message, hint=problem.hint)

    def running_here(self) -> int:
        return self._worker.running if self._worker is not None else 0

    def snapshot(self) -> Snapshot:
        tasks, steps = service.list_tasks(self._app, limit=NEWEST), service.steps(self._app)
        entries = tuple(Entry(task=task, doing=steps.get(task.id, "")) for task in tasks)
        return Snapshot(entries=entries, overview=service.overview(self._app))

    def log(self, task_id: str, pages: Collection[int] = (), *, newest: int = 0) -> LogPart:
        bounds = service.log_bounds(self._app, task_id)
        before, end = bounds.first - 1, bounds.last - bounds.first + 1  # an old log's first lines may be gone
        count = -(-end // PAGE)
        wanted = {*pages, *range(max(0, count - newest), count)}
        read = {
            page: tuple(service.log_page(self._app, task_id, after=before + page * PAGE, limit=PAGE))
            for page in sorted(wanted)
        }
        # lines that came in while we read: the end is where the last page we hold ends
        end = max([end, *(lines[-1].seq - before for lines in read.values() if lines)])
        return LogPart(task=task_id, end=end, pages=read)

    def add(self, draft: Draft) -> tuple[Task, tuple[str, ...]]:
        request = service.AddRequest(prompt=draft.prompt, repo=draft.repo.strip(), base=draft.base.strip() or None)
        added = service.add(self._app, request)
        return added.task, added.warnings

    def cancel(self, task_id: str) -> Task:
        return service.cancel(self._app, task_id)
