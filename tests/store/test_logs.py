"""The log: gapless numbers, pages by key, and only the holder of the fence appends."""

from __future__ import annotations

import pytest

from pithy_local.errors import LeaseLost, PithyError
from pithy_local.models import Stream
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Bounds, Entry, Logs, Position


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
    assert (logs.page("zzzzzzzzzz"), logs.last_seq("zzzzzzzzzz"), logs.starts("zzzzzzzzzz")) == ([], 0, [])


def test_a_page_of_one_attempt_is_found_without_reading_the_others(logs: Logs, lease: Lease, store: Store) -> None:
    for attempt, count in ((1, 3_000), (2, 2_500), (4, 1)):
        logs.open(lease.n, attempt, lease.fence)
        logs.append(lease.n, lease.fence, entries(*(f"{attempt}:{number}" for number in range(count))))
    asked: list[str] = []
    store.logs.raw.set_trace_callback(asked.append)

    assert [line.seq for line in logs.page(lease.task.id, attempt=2, limit=2)] == [3_001, 3_002]
    assert len(asked) < 40
    assert [line.seq for line in logs.page(lease.task.id, attempt=2, after=5_498)] == [5_499, 5_500]
    assert [line.text for line in logs.tail(lease.task.id, 2, attempt=1)] == ["1:2998", "1:2999"]
    assert [line.text for line in logs.tail(lease.task.id, 9, attempt=4)] == ["4:0"]
    assert logs.page(lease.task.id, attempt=3) == logs.tail(lease.task.id, 9, attempt=5) == []
    asked.clear()
    assert logs.starts(lease.task.id) == [(1, 1), (3_001, 2), (5_501, 4)]
    assert len(asked) < 60


def test_a_page_can_be_bounded_by_its_text(logs: Logs, lease: Lease) -> None:
    logs.append(lease.n, lease.fence, entries(*["x" * 10] * 500))
    logs.append(lease.n, lease.fence, entries("y" * 10_000, "z"))

    assert len(logs.page(lease.task.id, max_chars=3_005)) == 300
    assert len(logs.page(lease.task.id, max_chars=3_005, limit=7)) == 7
    assert [line.text[0] for line in logs.page(lease.task.id, after=498, max_chars=50)] == ["x", "x"]
    assert [line.text[0] for line in logs.page(lease.task.id, after=500, max_chars=50)] == ["y"]
    assert [line.text for line in logs.page(lease.task.id, after=501, max_chars=50)] == ["z"]


def test_where_a_log_stands_commits_with_its_lines(logs: Logs, lease: Lease) -> None:
    at = Position(source="box", frames=7, part_out=b"o", part_err=b"e\xff", bytes=99, truncated=True)
    logs.append(lease.n, lease.fence, entries("a"), at)

    assert logs.open(lease.n, 1, lease.fence + 1) == (Bounds(first=1, last=1, truncated=True), at)
    with pytest.raises(LeaseLost):
        logs.append(lease.n, lease.fence, entries("late"), Position(source="box", frames=8))
    assert logs.open(lease.n, 1, lease.fence + 1)[1] == at


def test_another_attempt_begins_at_the_beginning_and_what_the_task_has_written_stays_counted(
    logs: Logs, lease: Lease
) -> None:
    logs.append(lease.n, lease.fence, entries("a"), Position(source="box", frames=7, part_out=b"o", bytes=99))

    assert logs.open(lease.n, 2, lease.fence) == (Bounds(first=1, last=1), Position(bytes=99))


def test_lines_and_their_position_are_written_together_or_not_at_all(logs: Logs, lease: Lease, store: Store) -> None:
    store.logs.write("CREATE TRIGGER full BEFORE INSERT ON line BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")
    with pytest.raises(PithyError, match="no room"):
        logs.append(lease.n, lease.fence, entries("a"), Position(source="box", frames=7))

    assert logs.open(lease.n, 1, lease.fence) == (Bounds(), Position())
