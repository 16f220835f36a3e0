"""Tasks brought to a state through the store, as `add` and a supervisor write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pithy_local.models import NewTask, Patch, Phase, Status, Stream, Task, TaskError, Verified
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks

SHA = "c" * 40


def enqueue(store: Store, **fields: Any) -> Task:
    """A queued task."""
    values = {
        "title": "Fix it", "prompt": "Fix it", "repo": "acme/api", "executor": "docker", "provider": "openai",
        "model": "gpt-4o",
    }  # fmt: skip
    return Tasks(store).insert(NewTask(**(values | fields)))


def claim(store: Store, task: Task, *, owner: str | None = None) -> Lease:
    """A worker has taken it and its agent is at work. `owner`: else a process row of its own."""
    owner = owner or Processes(store).register("run")
    claimed = Tasks(store).claim(owner, executors=["docker", "local"], concurrency=64, ids=[task.id])
    assert claimed is not None
    lease = Lease(store, claimed, owner)
    lease.begin_attempt()
    lease.enter(Phase.AGENT)
    return lease


def settle(
    store: Store, task: Task, status: Status, *, error: TaskError | None = None, log: Sequence[str] = (),
    diff: bytes | None = None, delivering: bool = False, question: str | None = None, verify: Sequence[Verified] = (),
) -> Task:  # fmt: skip
    """A worker took it, logged `log`, kept `diff` and brought it to `status`; `delivering`: its commit was recorded.

    A completed task has a diff and a commit in any case.
    """
    lease = claim(store, task)
    logs, now = Logs(store), store.clock.now_ms()
    logs.open(lease.n, lease.task.attempts, lease.fence)
    logs.append(lease.n, lease.fence, [Entry(at=now, stream=Stream.OUT, text=line) for line in log])
    done = status is Status.COMPLETED
    if diff is not None or delivering or done:
        lease.record_patch(_keep(store, lease.task, diff or b"diff\n"))
    if verify:
        lease.record_verify(verify)
    if delivering or done:
        lease.record_commit(SHA)
    lease.settle(status, error, question=question)
    Processes(store).unregister(lease.owner)
    return Tasks(store).get(task.id)


def _keep(store: Store, task: Task, diff: bytes) -> Patch:
    folder = store.home.artifacts(task.id, task.attempts)
    folder.mkdir(parents=True)
    (folder / "patch.diff").write_bytes(diff)
    path = str((folder / "patch.diff").relative_to(store.home.root))
    return Patch(path=path, bytes=len(diff), files=1, added=1, removed=1)
