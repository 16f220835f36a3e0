"""Tasks in some phase with sandboxes, and a round of the reaper."""

from __future__ import annotations

from pathlib import Path

from pithy_local.executors.base import Sandbox
from pithy_local.lifecycle.upkeep.reaper import Reaper
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import queue

REPO = Path("/no/such/repository")


def claimed(bench: Workbench, owner: str, phase: Phase = Phase.PREPARING) -> Lease:
    """A task of `owner` in `phase`."""
    task = queue(bench, REPO)
    found = Tasks(bench.store).claim(owner, executors=["local"], concurrency=99, ids=[task.id])
    assert found is not None
    lease = Lease(bench.store, found, owner)
    lease.enter(phase)
    return lease


def box(lease: Lease, bench: Workbench, *, attempt: int = 1, older: int = 0, role: str = "agent") -> Sandbox:
    """A sandbox of the task, made now, by an owner that many fences ago."""
    return Sandbox(
        task=lease.task.id, attempt=attempt, fence=lease.fence - older, handle=f"{lease.task.id}-a{attempt}-{role}",
        created_ms=bench.clock.now_ms(), role=role,
    )  # fmt: skip


def reap(bench: Workbench) -> list[str]:
    said: list[str] = []
    Reaper(bench, said.append).tick()
    return said
