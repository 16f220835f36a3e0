"""Looking: at tasks, their logs and diffs, and at how they end."""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from pithy_local.errors import ErrorCode, NotThereYet, PithyError, UsageError
from pithy_local.models import Attempt, LogLine, Status, Task
from pithy_local.service.app import POLL_SECONDS, App
from pithy_local.store.logs import Bounds, Logs
from pithy_local.store.tasks import Tasks

if TYPE_CHECKING:
    from pithy_local.store.stats import By, Stats

STEP = 128
"""Tasks that are read at once."""


def find(app: App, ref: str) -> Task:
    """By id or unique prefix. Raises NoSuchTask, UsageError when it fits several."""
    return Tasks(app.store).find(ref)


def list_tasks(
    app: App, *, statuses: Collection[Status] = (), repo: str | None = None, limit: int | None = None,
    before: str | None = None, from_here: bool = True,
) -> list[Task]:  # fmt: skip
    """Newest first. `repo`: any name of it that `add` takes, `from_here` as there; raises UsageError for what can be
    none. `before`: only tasks that were added before the one with this id; raises NoSuchTask."""
    if repo is not None:
        from pithy_local.git.remote import parse_repo

        repo = parse_repo(repo, api_url=app.settings.github.api_url, from_here=from_here).display
    return Tasks(app.store).select(statuses=statuses, repo=repo, limit=limit, before=before)


def each_task(
    app: App, *, most: int, statuses: Collection[Status] = (), repo: str | None = None, before: str | None = None,
    from_here: bool = True,
) -> Generator[Task, None, None]:  # fmt: skip
    """Up to `most` of what `list_tasks` finds at one moment, step by step: all of them at once may be large.

    Close it when you stop early: until then no log of writes is given back.
    """
    with app.store.queue.snapshot():  # else the task that a step ended with may be gone when the next one begins
        while found := list_tasks(
            app, statuses=statuses, repo=repo, limit=min(STEP, most), before=before, from_here=from_here
        ):
            yield from found
            before, most = found[-1].id, most - len(found)


def attempts(app: App, task_id: str) -> list[Attempt]:
    """Of one task, in order."""
    return Tasks(app.store).attempts(task_id)


def steps(app: App) -> dict[str, str]:
    """What each running task is doing now, by id, in its sandbox's words; none for phases of the host."""
    return Tasks(app.store).steps()


def log_page(
    app: App, task_id: str, *, after: int = 0, limit: int = 1000, attempt: int | None = None,
    max_chars: int | None = None,
) -> list[LogLine]:  # fmt: skip
    """Lines with seq > `after`, in order, `limit` at most; with `max_chars` no more text than that, but one line."""
    return Logs(app.store).page(task_id, after=after, limit=limit, attempt=attempt, max_chars=max_chars)


def log_tail(app: App, task_id: str, *, lines: int, attempt: int | None = None) -> list[LogLine]:
    """The last `lines` lines, in order."""
    return Logs(app.store).tail(task_id, lines, attempt=attempt)


def last_seq(app: App, task_id: str) -> int:
    """The number of the last line; 0 for an empty log."""
    return Logs(app.store).last_seq(task_id)


def log_bounds(app: App, task_id: str) -> Bounds:
    """The numbers of the first and the last line that are kept: retention removes old logs from the front."""
    return Logs(app.store).bounds(task_id)


def log_starts(app: App, task_id: str) -> list[tuple[int, int]]:
    """(number of its first line, attempt) of each attempt that has lines, in order."""
    return Logs(app.store).starts(task_id)


def follow_log(app: App, task_id: str, *, after: int = 0, attempt: int | None = None) -> Iterator[list[LogLine]]:
    """Pages as they come; ends once the task is settled and everything was given."""
    while True:
        token = app.store.change_token()
        settled = find(app, task_id).status.settled  # before the page: the log is complete when a task settles
        while page := log_page(app, task_id, after=after, attempt=attempt):
            after = page[-1].seq
            yield page
        if settled:
            return
        while app.store.change_token() == token:
            app.clock.sleep(POLL_SECONDS)


def diff(app: App, task_id: str, *, attempt: int | None = None) -> bytes:
    """The canonical diff of an attempt, else of the last that made one.

    Raises NotThereYet, UsageError, PithyError(store) where it cannot be read.
    """
    task = find(app, task_id)
    check_attempt(task, attempt)
    made = [a.patch for a in attempts(app, task_id) if a.patch is not None and attempt in (None, a.number)]
    if not made:
        raise _no_diff(app, task)
    try:
        return (app.home.root / made[-1].path).read_bytes()
    except FileNotFoundError as error:
        raise NotThereYet(f"the diff of task {task_id} is no longer kept", hint="") from error
    except OSError as error:
        raise PithyError(ErrorCode.STORE, f"cannot read the diff of task {task_id}: {error.strerror}") from error


def check_attempt(task: Task, attempt: int | None) -> None:
    """Raises UsageError for the number of an attempt that the task has not had; None is any."""
    if attempt is not None and not 1 <= attempt <= task.attempts:
        there = "There was one attempt: 1." if task.attempts == 1 else f"It has attempts 1 to {task.attempts}."
        raise UsageError(f"task {task.id} has no attempt {attempt}", hint=there)


def _no_diff(app: App, task: Task) -> NotThereYet:
    if not task.status.settled:
        return NotThereYet(f"task {task.id} has no diff yet", hint=f"`pithy-local wait {task.id}` waits for its end.")
    kept = sorted((app.home.root / "artifacts" / task.id).glob("*/rejected-*.diff"))
    hint = f"The model's answers are kept: {', '.join(map(str, kept))}" if kept else "It ended before there was one."
    return NotThereYet(f"task {task.id} has no diff", hint=hint)


def wait(app: App, refs: Sequence[str], *, timeout: float | None = None) -> tuple[list[Task], bool]:
    """Until every task is settled: the tasks, and whether `timeout` seconds passed first."""
    ids = [find(app, ref).id for ref in refs]
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        token = app.store.change_token()
        tasks = [find(app, task_id) for task_id in ids]
        if all(task.status.settled for task in tasks):
            return tasks, False
        while app.store.change_token() == token:
            if deadline is not None and time.monotonic() >= deadline:
                return tasks, True
            app.clock.sleep(POLL_SECONDS)


def change_token(app: App) -> tuple[int, int]:
    """Differs after another connection committed to the queue or the logs. Costs microseconds."""
    return app.store.change_token()


def stats(app: App, *, since: float | None = None, by: By | None = None) -> Stats:
    """What was done and spent in the last `since` seconds, None = ever; in groups too with `by`."""
    from pithy_local.store.stats import stats as collect

    since_ms = None if since is None else app.clock.now_ms() - int(since * 1000)
    return collect(app.store, since_ms=since_ms, by=by)
