"""Work one task in this process and see it through: what `--wait`, `--follow` and `demo` do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from pithy_local import service
from pithy_local.cli.signals import stop_on_signals
from pithy_local.errors import ExitCode, PithyError
from pithy_local.models import Status, Task
from pithy_local.text import last_segment, safe_line

if TYPE_CHECKING:
    from pithy_local.service import App

Say = Callable[[str], None]
PAGE_SECONDS = 0.1


def settle_here(app: App, task_id: str, *, say: Say, follow: bool = False) -> int:
    """See the task through and say how it ended; the exit code that this means. Raises as `see_through` does."""
    try:
        task = see_through(app, task_id, say=say, follow=follow)
    except (PithyError, KeyboardInterrupt):
        if service.find(app, task_id).status is Status.QUEUED:
            say(f"{task_id} stays queued: `pithy-local run {task_id}` works it")
        raise
    say(_ending(task))
    return int(ExitCode.OK if task.status is Status.COMPLETED else ExitCode.FAILED)


def see_through(app: App, task_id: str, *, say: Say, follow: bool, adoptable: bool = True) -> Task:
    """Returns the settled task; its log goes to `say` while it grows if `follow`.

    This process becomes a worker for this task alone. If another one took it first, its end is waited for, and so is
    the end of a rate limit.
    `adoptable`: see `stop_on_signals`; not the task of a home that nobody else works.
    Raises PithyError (docker_unreachable, budget): the task stays queued. Raises KeyboardInterrupt after a signal: by
    then nothing of the task runs in this process; after SIGTERM or SIGHUP it may go on in another one.
    """
    done = threading.Event()
    reader = threading.Thread(target=_follow, args=(app, task_id, say, done), name="log-reader")

    def narrate(text: str) -> None:
        if not (follow and text.startswith(f"{task_id}: ")):  # the log says it, and more
            say(text)

    with stop_on_signals(say, adoptable=adoptable) as stop:
        if follow:
            reader.start()
        try:
            service.run(app, ids=[task_id], patient=True, stop=stop, say=narrate)
        finally:
            done.set()
            if follow:
                reader.join()
    if stop.is_set():
        raise KeyboardInterrupt
    return service.find(app, task_id)


def _ending(task: Task) -> str:
    """How it ended, in one line."""
    if task.error is not None:
        return safe_line(f"{task.id} {task.status.value}: {task.error.code}: {task.error.message}. {task.error.hint}")
    return f"{task.id} {task.status.value}: {task.pr_url or task.branch}"


def _follow(app: App, task_id: str, say: Say, done: threading.Event) -> None:
    """Say the log's lines as they come, and what is left of them when `done` is set."""
    after = 0
    last = False
    while not last:
        last = done.wait(PAGE_SECONDS)
        try:
            while page := service.log_page(app, task_id, after=after):
                after = page[-1].seq
                for line in page:
                    say(f"  {last_segment(line.text)}")
        except PithyError as error:
            say(f"cannot read the log: {error.message}")
    app.store.close_thread()
