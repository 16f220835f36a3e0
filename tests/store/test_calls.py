"""The ledger: reserved before, settled after, and never more than a limit and one call."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pithy_local.models import Status
from pithy_local.store import Store
from pithy_local.store.calls import CallRecord, Calls, Reservation, spent_today
from pithy_local.store.holds import Holds
from pithy_local.store.lease import Lease
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.spending import spend
from tests.store.conftest import HandClock, new_task


def asked(tokens: int = 100, usd: float = 0.0) -> Reservation:
    return Reservation(
        provider="openai", model="m", input_tokens=tokens // 2, output_tokens=tokens - tokens // 2, usd=usd
    )


def used(tokens: int, cost: float | None = None, charged: float = 0.0) -> CallRecord:
    return CallRecord(
        http_status=200, input_tokens=tokens, output_tokens=0, estimated=False, seconds=0.1, cost_usd=cost,
        charged_usd=charged,
    )  # fmt: skip


@pytest.fixture
def calls(store: Store, lease: Lease) -> Calls:
    return Calls(store, lease.n, 1)


def test_a_reserved_call_is_not_spent_yet(calls: Calls, tasks: Tasks, lease: Lease) -> None:
    ticket = calls.reserve(asked(), token_limit=1000)

    assert isinstance(ticket, int)
    assert (calls.tokens_used(), tasks.get(lease.task.id).usage.total_tokens) == (0, 0)
    calls.settle(ticket, used(42))
    assert (calls.tokens_used(), tasks.get(lease.task.id).usage.total_tokens) == (42, 42)


def test_open_reservations_up_to_the_limit_make_a_further_call_wait(calls: Calls) -> None:
    first = calls.reserve(asked(600), token_limit=1000)
    second = calls.reserve(asked(600), token_limit=1000)  # 600 < 1000: one call may pass the limit

    assert calls.reserve(asked(600), token_limit=1000) == "wait"
    assert isinstance(first, int)
    assert isinstance(second, int)
    calls.settle(first, used(10))
    assert isinstance(calls.reserve(asked(600), token_limit=1000), int)


def test_a_spent_limit_refuses(calls: Calls) -> None:
    ticket = calls.reserve(asked(), token_limit=50)
    assert isinstance(ticket, int)
    calls.settle(ticket, used(50))

    assert calls.reserve(asked(), token_limit=50) == "token_limit"


def test_a_call_is_settled_once(calls: Calls) -> None:
    ticket = calls.reserve(asked(), token_limit=50)
    assert isinstance(ticket, int)
    calls.settle(ticket, used(5))
    calls.settle(ticket, used(500))

    assert calls.tokens_used() == 5


def test_a_call_whose_process_died_is_charged_by_its_reservation(calls: Calls) -> None:
    calls.reserve(asked(70), token_limit=1000)

    calls.abandon()

    assert calls.tokens_used() == 70
    assert isinstance(calls.reserve(asked(), token_limit=1000), int)


def test_twenty_threads_never_pass_the_limit_by_more_than_one_call(store: Store, lease: Lease) -> None:
    together = threading.Barrier(20)

    def loop(_: int) -> None:
        mine = Calls(store, lease.n, 1)
        together.wait()
        while True:
            ticket = mine.reserve(asked(100), token_limit=1000)
            if ticket == "token_limit":
                break
            if isinstance(ticket, int):
                mine.settle(ticket, used(100))
        store.close_thread()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(loop, range(20)))

    assert 1000 <= Calls(store, lease.n, 1).tokens_used() < 1100


def test_a_spent_budget_refuses_and_pauses_the_queue(calls: Calls, store: Store, tasks: Tasks) -> None:
    ticket = calls.reserve(asked(usd=0.6), token_limit=10**6, usd_per_day=1.0)
    assert isinstance(ticket, int)
    assert isinstance(calls.reserve(asked(usd=0.6), token_limit=10**6, usd_per_day=1.0), int)
    assert calls.reserve(asked(usd=0.6), token_limit=10**6, usd_per_day=1.0) == "wait"
    calls.settle(ticket, used(10, cost=None, charged=1.0))

    assert calls.reserve(asked(usd=0.6), token_limit=10**6, usd_per_day=1.0) == "budget"

    paused = Holds(store).paused
    assert paused is not None
    assert paused.reason == "budget"
    tasks.insert(new_task())
    assert tasks.queued(["docker"]) == 0


def test_a_raised_budget_goes_on(calls: Calls, store: Store) -> None:
    ticket = calls.reserve(asked(usd=1.0), token_limit=10**6, usd_per_day=1.0)
    assert isinstance(ticket, int)
    calls.settle(ticket, used(10, cost=1.0, charged=1.0))
    assert calls.reserve(asked(), token_limit=10**6, usd_per_day=1.0) == "budget"

    Holds(store).raise_budget()

    assert isinstance(calls.reserve(asked(), token_limit=10**6, usd_per_day=1.0), int)


def test_yesterdays_spending_is_not_todays(store: Store, lease: Lease, clock: HandClock) -> None:
    spend(store, lease, 10, 10, cost_usd=5.0)
    assert spent_today(store) == (5.0, 0.0)

    clock.sleep(86_400)

    assert spent_today(store) == (0.0, 0.0)


def test_what_a_removed_task_spent_stays_counted(store: Store, lease: Lease) -> None:
    spend(store, lease, 10, 10, cost_usd=5.0)
    lease.settle(Status.FAILED)

    Settled(store).remove(lease.task.id)

    assert spent_today(store) == (5.0, 0.0)
