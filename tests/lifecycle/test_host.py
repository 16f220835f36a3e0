"""The attempt's side that executors talk to: phases, and the reasons to stop."""

from __future__ import annotations

import pytest

from pithy_local.errors import Cancelled, LeaseLost
from pithy_local.lifecycle.host import Host
from pithy_local.models import Phase
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import Tasks


@pytest.fixture
def phases() -> list[Phase]:
    """What was told of."""
    return []


@pytest.fixture
def host(lease: Lease, phases: list[Phase]) -> Host:
    return Host(lease, on_phase=phases.append)


def taken_over(store: Store) -> None:
    store.queue.write("INSERT INTO process VALUES ('other', 'test', 1, 1.0, 'boot', 1)")
    store.queue.write("UPDATE task SET owner = 'other', fence = fence + 1")


def test_a_phase_is_stored_before_it_is_told(host: Host, phases: list[Phase], tasks: Tasks) -> None:
    host.enter(Phase.AGENT)

    assert (host.phase, phases, tasks.get(host.lease.task.id).phase) == (Phase.AGENT, [Phase.AGENT], Phase.AGENT)


def test_a_cancelled_attempt_stops_and_enters_nothing(host: Host, phases: list[Phase]) -> None:
    assert host.cancel()

    assert host.stopping.is_set()
    with pytest.raises(Cancelled):
        host.checkpoint()
    with pytest.raises(Cancelled):
        host.enter(Phase.DELIVERING)
    assert phases == []


def test_a_request_that_nobody_has_passed_on_yet_stops_the_next_phase(host: Host, tasks: Tasks) -> None:
    tasks.request_cancel(host.lease.task.id)

    with pytest.raises(Cancelled):
        host.enter(Phase.DELIVERING)
    assert tasks.get(host.lease.task.id).phase is Phase.PREPARING


def test_a_second_cancel_changes_nothing(host: Host) -> None:
    assert [host.cancel(), host.cancel()] == [True, False]


def test_a_cancel_comes_too_late_once_the_delivery_has_begun(host: Host) -> None:
    host.enter(Phase.DELIVERING)

    assert not host.cancel()
    host.checkpoint()


def test_a_lost_lease_stops_without_a_cancel(host: Host, store: Store) -> None:
    host.lose()

    with pytest.raises(LeaseLost):
        host.checkpoint()
    assert not host.cancel()
    with pytest.raises(LeaseLost):
        host.checkpoint()


def test_a_phase_finds_out_that_the_lease_is_lost(host: Host, store: Store, phases: list[Phase]) -> None:
    taken_over(store)

    with pytest.raises(LeaseLost):
        host.enter(Phase.AGENT)
    assert phases == []


def test_effects_are_written_around_what_they_do(host: Host, store: Store, tasks: Tasks) -> None:
    host.intend("create", "the-name")
    before = store.queue.row("SELECT key, done_at, result FROM effect")
    host.done("create", "the-id")
    after = store.queue.row("SELECT key, done_at, result FROM effect")

    assert before is not None
    assert after is not None
    assert tuple(before) == ("the-name", None, None)
    assert (after["done_at"] is not None, after["result"]) == (True, "the-id")
    assert tasks.attempts(host.lease.task.id)[0].container == "the-name"


def test_no_effect_begins_without_the_lease(host: Host, store: Store) -> None:
    taken_over(store)

    with pytest.raises(LeaseLost):
        host.intend("create", "the-name")
    assert store.queue.rows("SELECT * FROM effect") == []
