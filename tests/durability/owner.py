"""A process that owns a task: `python -m tests.durability.owner HOME`.

Says `owns` when it does; after a line on its standard input it tries every late write, and prints as JSON which of them
were refused because the lease is lost.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from pithy_local.errors import LeaseLost
from pithy_local.models import Phase, Status, Stream
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks


def main() -> None:
    store = Store(Home(root=Path(sys.argv[1])))
    owner = Processes(store).register("test")
    task = Tasks(store).claim(owner, executors=["docker"], concurrency=1)
    assert task is not None
    lease, logs = Lease(store, task, owner), Logs(store)
    lease.enter(Phase.AGENT)
    logs.open(lease.n, 1, lease.fence)
    say("owns")
    sys.stdin.readline()
    writes: dict[str, Callable[[], object]] = {
        "enter": lambda: lease.enter(Phase.COLLECTING),
        "log": lambda: logs.append(lease.n, lease.fence, [Entry(at=1, stream=Stream.OUT, text="late")]),
        "container": lambda: lease.record_container("late"),
        "commit": lambda: lease.record_commit("a" * 40),
        "intend": lambda: lease.intend("push", "late"),
        "requeue": lease.requeue,
        "settle": lambda: lease.settle(Status.CANCELLED),
    }
    say(json.dumps([name for name, write in writes.items() if _is_lost(write)]))
    store.close()


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _is_lost(write: Callable[[], object]) -> bool:
    try:
        write()
    except LeaseLost:
        return True
    return False


if __name__ == "__main__":
    main()
