"""A real store in a temporary home, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pithy_local.models import NewTask, Task
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.orphans import Orphans
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import ALL_EXECUTORS, Tasks


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000
        self.boot = 1_000_000

    def now_ms(self) -> int:
        return self.now

    def lease_ms(self) -> int:
        return self.boot

    def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1000)
        self.boot += int(seconds * 1000)


def new_task(prompt: str = "Fix the bug", **changes: object) -> NewTask:
    values: dict[str, object] = {
        "title": prompt, "prompt": prompt, "repo": "acme/api", "executor": "docker", "provider": "openai",
        "model": "gpt-4o",
    }  # fmt: skip
    return NewTask(**{**values, **changes})  # type: ignore[arg-type]  # a test's shorthand


def take_up(store: Store, owner: str, ids: Sequence[str] | None = None) -> Task | None:
    """A process that could run anything looks for a running task without an owner."""
    return Orphans(store).claim(owner, executors=ALL_EXECUTORS, concurrency=9, ids=ids)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Iterator[Store]:
    opened = Store(Home(root=tmp_path / "home"), clock)
    yield opened
    opened.close()


@pytest.fixture
def tasks(store: Store) -> Tasks:
    return Tasks(store)


@pytest.fixture
def owner(store: Store) -> str:
    return Processes(store).register("test")


@pytest.fixture
def lease(store: Store, tasks: Tasks, owner: str) -> Lease:
    """Of one freshly claimed task."""
    tasks.insert(new_task())
    claimed = tasks.claim(owner, executors=["docker"], concurrency=1)
    assert claimed is not None
    return Lease(store, claimed, owner)
