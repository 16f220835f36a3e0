"""Work one task in this process and see it through: what `add --wait`, `add --follow` and `demo` do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from pithy_local import service
from pithy_local.cli.signals import stop_on_signals
from pithy_local.errors import PithyError
from pithy_local.models import Task
from pithy_local.text import last_segment

if TYPE_CHECKING:
    from pithy_local.service import App

Say = Callable[[str], None]
STOP_SECONDS = 0.5
"""How long a signal goes unnoticed at most while another process works the task."""
PAGE_SECONDS = 0.1


def see_through(app: App, task_id: str, *, say: Say, follow: bool) -> Task:
    """Returns the settled task; its log goes to `say` while it grows if `follow`.

    This process becomes a worker for this task alone. If another one took it first, its end is waited for.
    Raises PithyError (docker_unreachable): the task stays queued. Raises KeyboardInterrupt after a signal: by then
    nothing of the task runs in this process.
    """
    done = threading.Event()
    reader = threading.Thread(target=_follow, args=(app, task_id, say, done), name="log-reader")

    def narrate(text: str) -> None:
        if not (follow and text.startswith(f"{task_id}: ")):  # the log says it, and more
            say(text)

    with stop_on_signals(say) as stop:
        if follow:
            reader.start()
        try:
            service.run(app, ids=[task_id], until_idle=True, stop=stop, say=narrate)
            while not stop.is_set():
                (task,), unsettled = service.wait(app, [task_id], timeout=STOP_SECONDS)
                if not unsettled:
                    return task
        finally:
            done.set()
            if follow:
                reader.join()
    raise KeyboardInterrupt


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
