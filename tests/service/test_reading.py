"""Looking at many tasks while others add and remove some."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from pithy_local import service
from pithy_local.models import Status
from pithy_local.service import App
from pithy_local.service.reading import STEP
from pithy_local.store import Store
from pithy_local.store.settled import Settled
from tests.seeding import enqueue, settle
from tests.store.conftest import HandClock


@pytest.fixture
def other(app: App, clock: HandClock) -> Iterator[Store]:
    """Another process' view of the same home."""
    with closing(Store(app.home, clock)) as store:
        yield store


def test_a_task_that_is_removed_while_a_list_is_read_does_not_end_it(app: App, other: Store) -> None:
    ids = [settle(app.store, enqueue(app.store), Status.COMPLETED).id for _ in range(STEP + 2)][::-1]
    with closing(service.each_task(app, most=1_000)) as tasks:
        read = [next(tasks).id for _ in range(STEP)]
        Settled(other).remove(read[-1])
        read += [task.id for task in tasks]

    assert read == ids


def test_a_list_that_is_left_early_holds_nothing(app: App, other: Store) -> None:
    for _ in range(2):
        enqueue(app.store)
    with closing(service.each_task(app, most=1)) as tasks:
        next(tasks)

    assert service.cancel(app, enqueue(other).id).status is Status.CANCELLED
