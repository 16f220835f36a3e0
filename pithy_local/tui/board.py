"""What the dashboard asks of the product. Only this module, `worker` and `replaying` call the service.

Every method may block on a disk or a network and is called from worker threads, but `token`, `check_home`, `engine`
and `running_here`, which cost microseconds and are called at ticks, and the first `snapshot`, before the first frame.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pithy_local import service
from pithy_local.errors import ErrorCode, NotThereYet, PithyError, Refused, UsageError
from pithy_local.models import Stop, Task
from pithy_local.paths import expanded
from pithy_local.redact import Redactor
from pithy_local.service import App
from pithy_local.text import last_segment, safe
from pithy_local.tui.drafts import request_of
from pithy_local.tui.records import PAGE, Details, Draft, Engine, Entry, Hunt, LogPart, Matches, Scan, Snapshot
from pithy_local.tui.under_way import UnderWay
from pithy_local.tui.worker import Worker, configured, load

if TYPE_CHECKING:
    from pithy_local.doctor import Check
    from pithy_local.store.stats import By, Stats

    Checks = Callable[[App], Iterator[Check]]

SAVE_PAGE = 5_000


class Board:
    """The product behind the screens, with a worker of its own or as a mere watcher.

    `token` does not see what its own thread writes (SQLite's data_version): the thread that polls must not write.
    """

    def __init__(self, app: App, *, worker: bool, checks: Checks | None = None) -> None:
        self.app = app
        self._checks = checks
        self._worker = Worker(app) if worker else None
        self.under_way = UnderWay()
        self._loaded = threading.Event()
        self._file: tuple[int, int] | None = None
        """The queue's file, by device and inode."""

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """For what is done in a thread: whatever goes wrong is a PithyError, which can be told, and ends no dashboard.

        A full disk is `disk_full`, a bug `internal`; no secret is in the words.
        """
        try:
            yield
        except PithyError:
            raise
        except Exception as error:
            from pithy_local.lifecycle.outcome import host_error  # 50 ms, for what nobody foresaw

            said = host_error(error)
            message = Redactor(self.app.secrets.in_memory()).mask(said.message)
            raise PithyError(said.code, message, hint=said.advice) from error

    # ---- the worker of this process

    def start(self, say: Callable[[str], None]) -> None:
        """Start working the queue, if this board does; `say` hears its narration from any thread. Raises PithyError."""
        try:
            if self._worker is not None:
                load()
        finally:
            self._loaded.set()
        if self._worker is not None:
            self._worker.start(say)

    def stop(self, how: Stop, say: Callable[[str], None]) -> None:
        """End the work as `how` says; returns when nothing of it is left in this process. Idempotent."""
        if self._worker is not None:
            self._worker.stop(how, say)

    def running_here(self) -> int:
        """Attempts of this very process."""
        return self._worker.running if self._worker is not None else 0

    def engine(self) -> Engine:
        """What would run a task that does not ask for another executor, and whether it can."""
        engine = configured(self.app.settings)
        if self._worker is None:
            return replace(engine, working=False)
        return self._worker.engine(engine, self.app.settings.executor)

    # ---- looking

    def token(self) -> tuple[int, int]:
        """Differs after any process changed the queue (the first number) or a log (the second)."""
        return service.change_token(self.app)

    def check_home(self) -> None:
        """Raises PithyError (store) where the home was moved or removed under us: what is written there gets lost."""
        file = self.app.home.queue_db
        try:
            found = file.stat()
            there = (found.st_dev, found.st_ino)
        except OSError:
            there = None
        self._file = self._file or there
        if there is None or there != self._file:
            gone = f"the home was moved or removed: {file.parent}"
            raise PithyError(ErrorCode.STORE, gone, hint="Quit, and open the dashboard again.")

    def snapshot(self, limit: int) -> Snapshot:
        """The newest `limit` tasks. Raises PithyError (store)."""
        tasks = service.list_tasks(self.app, limit=limit + 1)
        more, tasks = len(tasks) > limit, tasks[:limit]
        doing, waits = service.steps(self.app), service.waits(self.app, tasks)
        now = self.app.clock.now_ms()
        entries = tuple(
            Entry(
                task=task, doing=doing.get(task.id, ""), held=waits[task.id].words(now) if task.id in waits else ""
            )
            for task in tasks
        )  # fmt: skip
        spent = service.spent_today_usd(self.app)
        return Snapshot(entries=entries, overview=service.overview(self.app), spent_usd=spent, more=more)

    def task(self, task_id: str) -> Task:
        """As it is now. Raises NoSuchTask, PithyError (store)."""
        return service.find(self.app, task_id)

    def details(self, entry: Entry) -> Details:
        """Raises NoSuchTask, PithyError (store)."""
        task_id = entry.task.id
        return Details(
            entry=entry, attempts=tuple(service.attempts(self.app, task_id)),
            events=tuple(service.events(self.app, task_id)), calls=tuple(service.calls(self.app, task_id)),
        )  # fmt: skip

    def diffs(self, task_id: str) -> tuple[int, ...]:
        """The attempts that made a diff, in order. Raises NoSuchTask, PithyError (store)."""
        return tuple(each.number for each in service.attempts(self.app, task_id) if each.patch is not None)

    def diff(self, task_id: str, attempt: int | None = None) -> bytes:
        """Raises NotThereYet."""
        return service.diff(self.app, task_id, attempt=attempt)

    def container(self, task_id: str) -> str:
        """What the engine calls the sandbox of the attempt under way. Raises NotThereYet."""
        attempts = service.attempts(self.app, task_id)
        name = attempts[-1].container if attempts else None
        if not name:
            raise NotThereYet(f"task {task_id} has no container yet", hint="It is made in the phase `starting`.")
        return name

    def log(self, task_id: str, pages: Collection[int] = (), *, newest: int = 0) -> LogPart:
        """These pages and the last `newest` ones. Raises PithyError (store)."""
        bounds = service.log_bounds(self.app, task_id)
        end, count = bounds.last, -(-bounds.last // PAGE)
        wanted = {*pages, *range(max(0, count - newest), count)}
        read = {
            page: tuple(service.log_page(self.app, task_id, after=page * PAGE, limit=PAGE)) for page in sorted(wanted)
        }
        # lines that came in while we read: the end is where the last page we hold ends
        end = max([end, *(lines[-1].seq for lines in read.values() if lines)])
        starts = service.log_starts(self.app, task_id)
        return LogPart(task=task_id, first=bounds.first, end=end, pages=read, starts=starts)

    def find_line(self, hunt: Hunt, *, wanted: Callable[[], bool]) -> int | None:
        """The seq of the line that is looked for; None where there is none, and as soon as `wanted` says no."""
        start, found = hunt.start, None
        for _ in range(hunt.steps):
            found = self._next_line(hunt, start, wanted)
            if found is None:
                break
            start = found - 1 if hunt.backwards else found + 1
        return found

    def _next_line(self, hunt: Hunt, start: int, wanted: Callable[[], bool]) -> int | None:
        end = service.last_seq(self.app, hunt.task)
        ways = [(1, start), (start + 1, end)] if hunt.backwards else [(start, end), (1, start - 1)]
        for low, high in ways:
            found = service.find_line(
                self.app, hunt.task, hunt.needles, start=low, end=high, backwards=hunt.backwards, wanted=wanted
            )
            if found is not None:
                return found
        return None

    def matches(self, scan: Scan) -> Iterator[Matches]:
        """The lines that a scan asks for, step by step."""
        task, needles, after, found = scan.task, scan.needles, scan.after, 0
        end = service.last_seq(self.app, task)
        for upto, seqs in service.matching_lines(self.app, task, needles, start=after + 1, end=end):
            yield Matches(task=task, needles=needles, after=after, scanned=upto, seqs=seqs)
            after, found = upto, found + len(seqs)
            if scan.most is not None and found >= scan.most:
                return

    def stats(self, since: float, by: By) -> Stats:
        return service.stats(self.app, since=since, by=by)

    def checks(self) -> Iterator[Check]:
        """What the doctor finds, each as soon as it is there. Never raises: a doctor who fails is a finding, too."""
        from pithy_local.doctor import Check, run_checks  # 80 ms, for who looks at the machine alone

        self._loaded.wait()
        try:
            with self.in_words():
                yield from (self._checks or run_checks)(self.app)
        except PithyError as error:
            yield Check(name="doctor", ok=False, message=error.message, fix=error.advice)

    def save_log(self, task_id: str, name: str) -> tuple[int, Path]:
        """Write the whole log, as `logs -o` does, into a new file: how many lines, and where that is.

        Raises UsageError for a file that cannot be, Refused for one that exists, PithyError (store, disk_full).
        """
        file, count, after = new_file(name), 0, 0
        service.check_outside(self.app, file)
        with service.whole_file(file) as target:
            while page := service.log_page(self.app, task_id, after=after, limit=SAVE_PAGE):
                target.writelines(f"{safe(last_segment(line.text))}\n".encode() for line in page)
                count, after = count + len(page), page[-1].seq
        return count, file

    def save_diff(self, task_id: str, attempt: int | None, name: str) -> tuple[int, Path]:
        """Write the diff as it is into a new file: how many bytes, and where that is.

        Raises NotThereYet, UsageError for a file that cannot be, Refused for one that exists, PithyError.
        """
        file, data = new_file(name), self.diff(task_id, attempt)
        service.check_outside(self.app, file)
        with service.whole_file(file) as target:
            target.write(data)
        return len(data), file

    # ---- doing

    def add(self, draft: Draft) -> tuple[Task, tuple[str, ...]]:
        """The queued task and warnings. Raises PithyError with what to do about it."""
        added = service.add(self.app, request_of(draft))
        return added.task, added.warnings

    def cancel(self, task_id: str) -> Task:
        return service.cancel(self.app, task_id)

    def run_now(self, task_id: str) -> Task:
        return service.execute(self.app, task_id)

    def retry(self, task_id: str, feedback: str) -> Task:
        """`feedback` of spaces alone: as it was."""
        return service.retry(self.app, task_id, feedback=feedback if feedback.strip() else None)

    def answer(self, task_id: str, text: str) -> Task:
        return service.answer(self.app, task_id, text)

    def accept(self, task_id: str) -> Task:
        return service.accept(self.app, task_id)

    def reject(self, task_id: str) -> Task:
        return service.reject(self.app, task_id)

    def taken_along(self, task: Task) -> str:
        """What is to start after a task that was cancelled or rejected, and so ends with it, in words; "" for none."""
        return service.tell_along(task, service.taken_along(self.app, task))

    def remove(self, task_id: str) -> Task:
        return service.remove(self.app, task_id)

    def edit_prompt(self, task_id: str, prompt: str) -> Task:
        return service.edit_prompt(self.app, task_id, prompt)

    def toggle_pause(self) -> str:
        """Pause the queue, or lift the pause; what was done, in words. Raises PithyError(budget)."""
        if service.paused(self.app) is None:
            service.pause(self.app)
            return "The queue is paused: what runs goes on, nothing more is started"
        service.resume(self.app)
        return "The queue goes on"

    def allow_budget(self) -> str:
        """Allow the day's budget once more, and go on; what was done, in words."""
        service.resume(self.app, budget=True)
        return "The queue goes on: the day's budget is allowed once more"


def new_file(name: str) -> Path:
    """The whole path of a file that is to be made. Raises UsageError for what can be none, Refused where it exists."""
    with service.writable(Path(name)):
        file = expanded(name)
        if not file.parent.is_dir():
            raise UsageError(f"there is no folder {file.parent}", hint="Name a file in a folder that exists.")
    if os.path.lexists(file):
        raise Refused(f"{file} exists", hint="Name another file.")
    return file
