"""A home with one running task whose log is as long as asked for, and a writer that goes on with it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pithy_local.clock import SystemClock
from pithy_local.models import NewTask, Phase, Stream
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks

BATCH = 5_000
READY = "writing"


class Writer:
    """The owner of a running task: appends to its log as a supervisor does."""

    def __init__(self, root: Path) -> None:
        self.store = Store(Home(root=root), SystemClock())
        tasks, owner = Tasks(self.store), Processes(self.store).register("bench")
        task, _ = (tasks.insert(NewTask(
            title=title, prompt="x", repo="acme/api", executor="local", provider="openai", model="gpt-4o",
        )) for title in ("A task with a long log", "Another task"))  # fmt: skip
        claimed = tasks.claim(owner, executors=[task.executor], concurrency=64, ids=[task.id])
        assert claimed is not None
        self._lease = Lease(self.store, claimed, owner)
        self._lease.begin_attempt()
        self._lease.enter(Phase.AGENT)
        self._logs = Logs(self.store)
        self._logs.open(self._lease.n, 1, self._lease.fence)
        self.written = 0

    def append(self, lines: int) -> None:
        at = time.time_ns() // 1_000_000
        first, self.written = self.written + 1, self.written + lines
        entries = [Entry(at=at, stream=Stream.OUT, text=_text(n)) for n in range(first, self.written + 1)]
        self._logs.append(self._lease.n, self._lease.fence, entries)

    def fill(self, lines: int) -> None:
        while self.written < lines:
            self.append(min(BATCH, lines - self.written))


def _text(number: int) -> str:
    return f"line {number:09d}: tests/test_{number % 977}.py::test_case PASSED in {number % 89} ms"


def pour(root: Path, lines_per_second: int, seconds: float) -> None:
    """Append so many lines a second, in twenty portions."""
    writer = Writer(root)
    print(READY, flush=True)
    began, portion = time.monotonic(), lines_per_second // 20
    for turn in range(int(seconds * 20)):
        writer.append(portion)
        time.sleep(max(0.0, began + (turn + 1) / 20 - time.monotonic()))


if __name__ == "__main__":
    pour(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
