"""Messages that are to be sent: claimed once, tried again, crossed off."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import pytest

from pithy_local.models import Status
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.outbox import CLAIM_MS, GIVEN_UP_MS, LONGEST_PAUSE_MS, Claimed, Outbox
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.store.conftest import HandClock, new_task

MAIL, CHAT = "mail-key", "chat-key"
TOLD = ("failed", "completed")


def settle(store: Store, owner: str, status: Status = Status.FAILED) -> str:
    """One task that ends now; its id."""
    tasks = Tasks(store)
    task = tasks.insert(new_task())
    claimed = tasks.claim(owner, executors=["docker"], concurrency=64, ids=[task.id])
    assert claimed is not None
    Lease(store, claimed, owner).settle(status)
    return task.id


def state(store: Store) -> list[tuple[object, ...]]:
    """Each message: whether it is closed, and how often each target was tried and whether it has it."""
    rows = store.queue.rows(
        """SELECT n.closed_at IS NOT NULL, s.target, s.tries, s.sent_at IS NOT NULL, s.error
           FROM notification n LEFT JOIN sending s ON s.notification = n.id ORDER BY n.id, s.target"""
    )
    return [tuple(row) for row in rows]


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return Outbox(store, [MAIL, CHAT], TOLD)


def test_every_settling_is_one_message_for_each_target(store: Store, owner: str, outbox: Outbox) -> None:
    assert outbox.is_empty()
    first, second = settle(store, owner), settle(store, owner)
    assert not outbox.is_empty()

    found = [outbox.claim(MAIL), outbox.claim(MAIL), outbox.claim(MAIL), outbox.claim(CHAT)]

    of_first = Claimed(id=1, target=MAIL, tries=1, task=first, attempt=1, status=Status.FAILED)
    assert found == [of_first, replace(of_first, id=2, task=second), None, replace(of_first, target=CHAT)]


def test_a_message_is_closed_when_every_target_has_it(store: Store, owner: str, outbox: Outbox) -> None:
    settle(store, owner)
    for target in (MAIL, CHAT):
        assert not outbox.is_empty()
        claimed = outbox.claim(target)
        assert claimed is not None
        outbox.sent(claimed)
        outbox.close_done()

    assert outbox.is_empty()
    assert state(store) == [(1, CHAT, 1, 1, None), (1, MAIL, 1, 1, None)]


def test_statuses_that_are_not_told_are_closed_unsent(store: Store, owner: str, outbox: Outbox) -> None:
    settle(store, owner, Status.CANCELLED)

    assert outbox.claim(MAIL) is None
    outbox.close_done()

    assert outbox.is_empty()
    assert state(store) == [(1, None, None, 0, None)]


def test_without_targets_everything_is_closed(store: Store, owner: str) -> None:
    settle(store, owner)
    nobody = Outbox(store, [], TOLD)
    nobody.close_done()

    assert nobody.is_empty()


def test_what_nobody_sent_for_a_day_is_closed_unsent(
    store: Store, clock: HandClock, owner: str, outbox: Outbox
) -> None:
    settle(store, owner)
    clock.now += GIVEN_UP_MS

    assert outbox.claim(MAIL) is None
    outbox.close_done()
    assert outbox.is_empty()


def test_a_failed_message_is_tried_again_after_pauses_that_grow(
    store: Store, clock: HandClock, owner: str, outbox: Outbox
) -> None:
    settle(store, owner)
    pauses = []
    for _ in range(10):
        claimed = outbox.claim(MAIL)
        assert claimed is not None
        outbox.failed(claimed, "connection refused")
        began = clock.now
        while store.queue.row("SELECT 1 FROM sending WHERE next_at > ?", (clock.now,)):
            assert outbox.claim(MAIL) is None
            clock.now += 10_000
        pauses.append((clock.now - began) // 1000)

    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, LONGEST_PAUSE_MS // 1000]


def test_after_a_day_it_is_given_up_and_the_error_is_kept(
    store: Store, clock: HandClock, owner: str, outbox: Outbox
) -> None:
    settle(store, owner)
    claimed = outbox.claim(MAIL)
    assert claimed is not None
    outbox.failed(claimed, "connection refused")
    clock.now += GIVEN_UP_MS

    assert outbox.claim(MAIL) is None
    outbox.close_done()
    assert state(store) == [(1, MAIL, 1, 0, "connection refused")]


def test_one_targets_failure_holds_no_other_target_and_no_other_message_back(
    store: Store, owner: str, outbox: Outbox
) -> None:
    first, second = settle(store, owner), settle(store, owner)
    failed = outbox.claim(MAIL)
    assert failed is not None
    outbox.failed(failed, "mailbox full")

    by_chat, by_mail = outbox.claim(CHAT), outbox.claim(MAIL)

    assert (by_chat and by_chat.task, by_mail and by_mail.task) == (first, second)


def test_a_dead_senders_claim_runs_out(store: Store, clock: HandClock, owner: str, outbox: Outbox) -> None:
    settle(store, owner)
    assert outbox.claim(MAIL) is not None
    clock.now += CLAIM_MS - 1
    assert outbox.claim(MAIL) is None
    clock.now += 1

    again = outbox.claim(MAIL)

    assert again is not None
    assert again.tries == 2


def test_who_lost_its_claim_can_still_say_that_the_message_has_arrived_but_not_that_it_failed(
    store: Store, clock: HandClock, owner: str, outbox: Outbox
) -> None:
    settle(store, owner)
    slow = outbox.claim(MAIL)
    clock.now += CLAIM_MS
    other = outbox.claim(MAIL)
    assert slow is not None
    assert other is not None

    outbox.failed(slow, "too late")
    assert outbox.claim(MAIL) is None
    assert state(store) == [(0, MAIL, 2, 0, None)]

    outbox.sent(slow)
    outbox.failed(other, "refused as a double")
    clock.now += CLAIM_MS
    assert outbox.claim(MAIL) is None
    assert state(store) == [(0, MAIL, 2, 1, None)]


def test_a_target_that_is_no_longer_configured_keeps_no_message_open(store: Store, owner: str, outbox: Outbox) -> None:
    settle(store, owner)
    gone = outbox.claim(CHAT)
    assert gone is not None
    outbox.failed(gone, "no such channel")
    only_mail = Outbox(store, [MAIL], TOLD)
    claimed = only_mail.claim(MAIL)
    assert claimed is not None
    only_mail.sent(claimed)
    only_mail.close_done()

    assert only_mail.is_empty()


def test_a_removed_tasks_messages_go_with_it(store: Store, owner: str, outbox: Outbox) -> None:
    task = settle(store, owner)
    claimed = outbox.claim(MAIL)
    assert claimed is not None
    Settled(store).remove(task)

    outbox.failed(claimed, "too late")
    assert outbox.is_empty()
    assert state(store) == []


def test_each_attempt_of_a_task_is_told(store: Store, owner: str, outbox: Outbox) -> None:
    task = settle(store, owner)
    Settled(store).again(task)
    claimed = Tasks(store).claim(owner, executors=["docker"], concurrency=64)
    assert claimed is not None
    lease = Lease(store, claimed, owner)
    lease.record_commit("c" * 40)
    lease.settle(Status.COMPLETED)

    told = [outbox.claim(MAIL), outbox.claim(MAIL)]

    assert [(each.attempt, each.status) for each in told if each] == [(1, Status.FAILED), (2, Status.COMPLETED)]


def test_of_several_processes_one_gets_each_message(store: Store, owner: str) -> None:
    tasks = [settle(store, owner) for _ in range(25)]
    begin = threading.Barrier(4)
    found: list[str] = []

    def work() -> None:
        own = Store(store.home, store.clock)
        outbox = Outbox(own, [MAIL], TOLD)
        begin.wait()
        while claimed := outbox.claim(MAIL):
            found.append(claimed.task)
        own.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert Counter(found) == Counter(tasks)


def test_nothing_is_written_where_there_is_nothing_to_do(store: Store, owner: str, outbox: Outbox) -> None:
    settle(store, owner)
    for target in (MAIL, CHAT):
        claimed = outbox.claim(target)
        assert claimed is not None
        outbox.failed(claimed, "down")
    statements: list[str] = []
    store.queue.raw.set_trace_callback(statements.append)
    outbox.close_done()
    assert outbox.claim(MAIL) is None
    assert not outbox.is_empty()

    assert len(statements) == 3
    assert all(statement.startswith("SELECT") for statement in statements)
