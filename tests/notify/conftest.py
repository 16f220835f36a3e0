"""A real store whose tasks settle, and a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pithy_local.clock import SystemClock
from pithy_local.config import NotifySettings
from pithy_local.errors import ErrorCode
from pithy_local.models import Status, Task, TaskError
from pithy_local.notify import Notifier
from pithy_local.redact import Redactor
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import Tasks
from tests.notify.post import PostOffice
from tests.store import conftest
from tests.store.conftest import HandClock, new_task, owner, store, tasks

__all__ = ["owner", "store", "tasks"]

REVIEW = TaskError(code=ErrorCode.POLICY.word, message="it changes .github/workflows/ci.yml", hint="Look at the diff.")


@pytest.fixture
def clock() -> HandClock:
    """Begins now: other processes of a test have the machine's own clock."""
    begun = conftest.HandClock()
    begun.now = SystemClock().now_ms()
    return begun


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as office:
        yield office


@dataclass
class Desk:
    """Settles tasks and makes notifiers."""

    store: Store
    owner: str
    said: list[str]

    def settle(
        self, status: Status = Status.COMPLETED, *, title: str = "Fix the flaky test", error: TaskError | None = None,
        question: str | None = None,
    ) -> Task:  # fmt: skip
        tasks = Tasks(self.store)
        task = tasks.insert(new_task(title=title))
        claimed = tasks.claim(self.owner, executors=["docker"], concurrency=64, ids=[task.id])
        assert claimed is not None
        lease = Lease(self.store, claimed, self.owner)
        if status is Status.COMPLETED:
            lease.record_commit("c" * 40)
            lease.record_pr(7, "https://github.example/acme/api/pull/7")
        lease.settle(status, error, question=question)
        return tasks.get(task.id)

    def notifier(self, *urls: str, store: Store | None = None, secret: str = "", patience: float = 45.0) -> Notifier:
        settings = NotifySettings(urls=urls)
        redactor = Redactor([secret] if secret else [])
        return Notifier(store or self.store, settings, redactor, self.said.append, patience=patience)


@pytest.fixture
def desk(store: Store, owner: str) -> Desk:
    return Desk(store, owner, [])
