"""The log: gapless numbers, pages by key, and only the holder of the fence appends."""

from __future__ import annotations

import pytest

from pithy_local.errors import LeaseLost
from pithy_local.models import Stream
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs


def entries(*texts: str) -> list[Entry]:
    return [Entry(at=7, stream=Stream.OUT, text=text) for text in texts]


@pytest.fixture
def logs(store: Store, lease: Lease) -> Logs:
    opened = Logs(store)
    opened.open(lease.n, 1, lease.fence)
    return opened


def test_numbers_have_no_gaps_over_batches(logs: Logs, lease: Lease) -> None:
    for batch in (["a"], ["b", "c"], ["d"]):
        logs.append(lease.n, lease.fence, entries(*batch))

    assert [(line.seq, line.text) for line in logs.page(lease.task.id)] == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


def test_a_page_starts_after_its_key_and_keeps_to_its_limit(logs: Logs, lease: Lease) -> None:
    logs.append(lease.n, lease.fence, entries(*"abcdef"))

    assert [line.text for line in logs.page(lease.task.id, after=2, limit=3)] == ["c", "d", "e"]


def test_the_tail_is_in_order(logs: Logs, lease: Lease) -> None:
    logs.append(lease.n, lease.fence, entries(*"abcdef"))

    assert [line.text for line in logs.tail(lease.task.id, 2)] == ["e", "f"]


def test_numbers_go_on_in_the_next_attempt(logs: Logs, lease: Lease) -> None:
    logs.append(lease.n, lease.fence, entries("first"))
    logs.open(lease.n, 2, lease.fence + 1)
    logs.append(lease.n, lease.fence + 1, entries("second"))

    assert [(line.seq, line.attempt) for line in logs.page(lease.task.id)] == [(1, 1), (2, 2)]
    assert [line.text for line in logs.page(lease.task.id, attempt=2)] == ["second"]


def test_an_older_fence_appends_nothing(logs: Logs, lease: Lease) -> None:
    logs.open(lease.n, 1, lease.fence + 1)

    with pytest.raises(LeaseLost):
        logs.append(lease.n, lease.fence, entries("late"))
    assert logs.page(lease.task.id) == []


def test_an_older_fence_cannot_open_the_log(logs: Logs, lease: Lease) -> None:
    logs.open(lease.n, 1, lease.fence + 1)

    with pytest.raises(LeaseLost):
        logs.open(lease.n, 1, lease.fence)


def test_an_unknown_task_has_an_empty_log(logs: Logs) -> None:
    assert (logs.page("zzzzzzzzzz"), logs.last_seq("zzzzzzzzzz")) == ([], 0)
