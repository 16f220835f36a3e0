"""What the dashboard asks of the product. Only this module and `worker` call the service.

Every method may block on a disk or a network and is called from worker threads, but `token`, `engine` and
`running_here`, which cost microseconds and are read at each tick.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pithy_local import service
from pithy_local.errors import NotThereYet, PithyError, UsageError
from pithy_local.models import Stop, Task
from pithy_local.service import App, Needle
from pithy_local.store.stats import By, Stats
from pithy_local.text import safe
from pithy_local.tui.records import PAGE, Details, Draft, Engine, Entry, LogPart, Matches, Snapshot
from pithy_local.tui.worker import Worker, load

if TYPE_CHECKING:
    from pithy_local.doctor import Check

SAVE_PAGE = 5_000
VERIFY_SEPARATOR = ";;"


class Board:
    """The product behind the screens, with a worker of its own or as a mere watcher.

    `token` does not see what its own thread writes (SQLite's data_version): the thread that polls must not write.
    """

    def __init__(
        self, app: App, *, worker: bool, checks: Callable[[App], Iterator[Check]] | None = None
    ) -> None:  # fmt: skip
        self.app = app
        self._checks = checks
        self._worker = Worker(app) if worker else None
        self._loaded = threading.Event()

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
        executor = self.app.settings.executor
        isolated = executor != "local"
        label = f"{executor} (sealed)" if isolated else f"{executor} UNISOLATED"
        if self._worker is None:
            return Engine(label=label, isolated=isolated, working=False)
        return self._worker.engine(label, executor, isolated)

    # ---- looking

    def token(self) -> tuple[int, int]:
        """Differs after any process changed the queue (the first number) or a log (the second)."""
        return service.change_token(self.app)

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
        return Snapshot(
            entries=entries, overview=service.overview(self.app), spent_usd=service.spent_today_usd(self.app), more=more
        )

    def details(self, entry: Entry) -> Details:
        """Raises NoSuchTask, PithyError (store)."""
        task_id = entry.task.id
        return Details(
            entry=entry, attempts=tuple(service.attempts(self.app, task_id)),
            events=tuple(service.events(self.app, task_id)), calls=tuple(service.calls(self.app, task_id)),
        )  # fmt: skip

    def diff(self, task_id: str) -> bytes:
        """Raises NotThereYet."""
        return service.diff(self.app, task_id)

    def container(self, task_id: str) -> str:
        """What the engine calls the sandbox of the attempt under way. Raises NotThereYet."""
        name = service.attempts(self.app, task_id)[-1].container
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
        return LogPart(task=task_id, first=bounds.first, end=end, pages=read)

    def find_line(
        self, task_id: str, needles: Sequence[Needle], start: int, *, backwards: bool, wanted: Callable[[], bool]
    ) -> int | None:
        """The seq of the next line from `start` that has every needle, going round at the ends; else None."""
        end = service.last_seq(self.app, task_id)
        ways = [(1, start), (start + 1, end)] if backwards else [(start, end), (1, start - 1)]
        for low, high in ways:
            found = service.find_line(
                self.app, task_id, needles, start=low, end=high, backwards=backwards, wanted=wanted
            )
            if found is not None:
                return found
        return None

    def matches(self, task_id: str, needle: Needle, after: int, *, wanted: Callable[[], bool]) -> Matches:
        """The lines beyond `after` that have this needle."""
        end = service.last_seq(self.app, task_id)
        seqs = service.matching_lines(self.app, task_id, [needle], start=after + 1, end=end, wanted=wanted)
        return Matches(task=task_id, needle=needle, after=after, scanned=end, seqs=seqs)

    def stats(self, since: float, by: By) -> Stats:
        return service.stats(self.app, since=since, by=by)

    def checks(self) -> Iterator[Check]:
        """What the doctor finds, each as soon as it is there. Never raises: a doctor who fails is a finding, too."""
        from pithy_local.doctor import Check, run_checks  # 80 ms, for a home without tasks alone

        self._loaded.wait()

        try:
            yield from (self._checks or run_checks)(self.app)
        except PithyError as error:
            yield Check(name="doctor", ok=False, message=error.message, fix=error.hint)

    def save_log(self, task_id: str, file: Path) -> int:
        """Write the whole log as safe text into a new file; how many lines. Raises UsageError where it cannot be."""
        try:
            with file.expanduser().open("x", encoding="utf-8") as target:
                after = 0
                while page := service.log_page(self.app, task_id, after=after, limit=SAVE_PAGE):
                    target.writelines(f"{safe(line.text)}\n" for line in page)
                    after = page[-1].seq
        except OSError as error:
            raise _cannot_write(file, error) from error
        return after

    def save_diff(self, task_id: str, file: Path) -> int:
        """Write the diff as it is into a new file; how many bytes. Raises NotThereYet, UsageError."""
        data = self.diff(task_id)
        try:
            with file.expanduser().open("xb") as target:
                return target.write(data)
        except OSError as error:
            raise _cannot_write(file, error) from error

    # ---- doing

    def add(self, draft: Draft) -> tuple[Task, tuple[str, ...]]:
        """The queued task and warnings. Raises PithyError with what to do about it."""
        added = service.add(self.app, request_of(draft))
        return added.task, added.warnings

    def cancel(self, task_id: str) -> Task:
        return service.cancel(self.app, task_id)

    def retry(self, task_id: str, feedback: str) -> Task:
        """`feedback` "": as it was."""
        return service.retry(self.app, task_id, feedback=feedback or None)

    def answer(self, task_id: str, text: str) -> Task:
        return service.answer(self.app, task_id, text)

    def accept(self, task_id: str) -> Task:
        return service.accept(self.app, task_id)

    def reject(self, task_id: str) -> Task:
        return service.reject(self.app, task_id)

    def remove(self, task_id: str) -> Task:
        return service.remove(self.app, task_id)

    def edit_prompt(self, task_id: str, prompt: str) -> Task:
        return service.edit_prompt(self.app, task_id, prompt)

    def toggle_pause(self) -> str:
        """Pause the queue, or lift the pause; what was done, in words. Raises PithyError(budget)."""
        found = service.paused(self.app)
        if found is None:
            service.pause(self.app)
            return "The queue is paused: what runs goes on, nothing more is started"
        service.resume(self.app, budget=found.reason == "budget")
        return "The queue goes on"


def _cannot_write(file: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {file}: {error.strerror}", hint="Name a file that is not there.")


def request_of(draft: Draft) -> service.AddRequest:
    """Raises UsageError for a priority that is no number."""
    try:
        priority = int(draft.priority or 0)
    except ValueError:
        hint = "Give a whole number; higher goes first."
        raise UsageError(f"the priority `{draft.priority}` is no number", hint=hint) from None
    verify = tuple(part.strip() for part in draft.verify.split(VERIFY_SEPARATOR) if part.strip())
    return service.AddRequest(
        prompt=draft.prompt, repo=draft.repo.strip(), base=draft.base.strip() or None,
        model=draft.model.strip() or None, publish=draft.publish or None, verify=verify, priority=priority,
        after=draft.after.strip() or None,
    )  # fmt: skip
