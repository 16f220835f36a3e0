"""Reading logs: pages, and where a log begins and ends."""

from __future__ import annotations

from pithy_local import service
from pithy_local.models import Status
from pithy_local.service import App
from pithy_local.store.log_removal import LogRemoval
from pithy_local.store.logs import Bounds
from tests.seeding import enqueue, settle

LINES = [f"step {number}" for number in range(1, 101)] + ["Error: no such file", "error again"]


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
