"""Reading logs: pages, searches, and where a log begins and ends."""

from __future__ import annotations

import pytest

from pithy_local import service
from pithy_local.errors import UsageError
from pithy_local.models import Status
from pithy_local.service import App
from pithy_local.store.log_removal import LogRemoval
from pithy_local.store.logs import Bounds
from tests.seeding import enqueue, settle

LINES = [f"step {number}" for number in range(1, 101)] + ["Error: no such file", "error again"]


def test_a_search_goes_on_after_the_last_hit_in_either_direction(app: App) -> None:
    task = settle(app.store, enqueue(app.store), Status.FAILED, log=LINES).id

    [first] = service.search_log(app, task, "error")
    [second] = service.search_log(app, task, "error", after=first.seq)
    assert (first.seq, second.seq) == (101, 102)
    assert service.search_log(app, task, "error", after=second.seq) == []
    assert service.search_log(app, task, "error", backwards=True) == [second]
    assert service.search_log(app, task, "error", after=second.seq, backwards=True) == [first]
    assert [line.seq for line in service.search_log(app, task, "step 1", limit=3)] == [1, 10, 11]


@pytest.mark.parametrize("text", ["", "x" * 1_001])
def test_a_search_for_nothing_or_for_a_book_is_bad_input(app: App, text: str) -> None:
    task = enqueue(app.store).id
    with pytest.raises(UsageError, match="1 to 1000 characters"):
        service.search_log(app, task, text)


def test_the_bounds_say_what_is_kept(app: App) -> None:
    task = settle(app.store, enqueue(app.store), Status.FAILED, log=LINES).id
    assert service.log_bounds(app, task) == Bounds(first=1, last=102)
    assert service.log_bounds(app, enqueue(app.store).id) == Bounds(first=1, last=0)

    removal = LogRemoval(app.store)
    [expired] = removal.expired(app.clock.now_ms() + 1)
    list(removal.expire(expired, "removed"))
    assert service.log_bounds(app, task) == Bounds(first=102, last=102)
    assert [line.text for line in service.log_tail(app, task, lines=5)] == ["removed"]
    assert list(service.follow_log(app, task, after=50)) == [service.log_page(app, task)]
