"""A home with many settled tasks, a part of them with long logs; written in bulk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pithy_local.models import NewTask
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks

TEXT = "x" * 60
BATCH = 50_000


@contextmanager
def filled(folder: Path | None, *, tasks: int, lines: int) -> Iterator[tuple[Store, str]]:
    """With so many tasks, and so many lines in the log of the one whose id is given."""
    with tempfile.TemporaryDirectory(prefix="pithy-http-", dir=folder) as root:
        store = Store(Home(root=Path(root)))
        try:
            _add_tasks(store, tasks - 1)
            yield store, _add_log(store, lines)
        finally:
            store.close()


def _add_tasks(store: Store, number: int) -> None:
    """Cancelled ones: settled without a worker."""
    with store.queue.transaction():
        store.queue.write_many(
            """INSERT INTO task(id, title, prompt, repo, executor, provider, model, branch, created_at, updated_at)
               VALUES (?, 'Fix the tests', 'Fix the tests', 'acme/api', 'docker', 'openai', 'gpt-4o', ?, ?, ?)""",
            [(f"{each:010d}", f"pj/{each}", each, each) for each in range(number)],
        )
        store.queue.write("UPDATE task SET status = 'cancelled', finished_at = updated_at")


def _add_log(store: Store, lines: int) -> str:
    task = Tasks(store).insert(
        NewTask(title="t", prompt="p", repo="a/b", executor="docker", provider="openai", model="m")
    )
    claimed = Tasks(store).claim(Processes(store).register("benchmark"), executors=["docker"], concurrency=1)
    assert claimed is not None
    n, logs = Lease(store, claimed, "").n, store.logs
    logs.write("INSERT INTO cursor(task, attempt, fence, seq) VALUES (?, 1, 1, ?)", (n, lines))
    for first in range(1, lines + 1, BATCH):
        with logs.transaction():
            logs.write_many(
                "INSERT INTO line(task, seq, attempt, at, stream, text) VALUES (?, ?, 1, 0, 'out', ?)",
                [(n, seq, TEXT) for seq in range(first, min(first + BATCH, lines + 1))],
            )
    return task.id
