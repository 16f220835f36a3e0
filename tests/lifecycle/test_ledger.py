"""The ledger over the real store: priced, bounded, said in the task's log."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pithy_local.config import BudgetSettings, ModelSettings, Price, Settings
from pithy_local.door.ledger import Ask, Call
from pithy_local.lifecycle.ledger import StoreLedger
from pithy_local.store import Store
from pithy_local.store.calls import Calls, spent_today
from pithy_local.store.holds import Holds
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import Tasks
from tests.spending import spend as spend_beside

PRICES = {"gpt-4o": Price(input=1_000.0, output=1_000.0)}
ASK = Ask(provider="openai", model="gpt-4o", input_tokens=300, output_tokens=700)


def call(
    tokens_in: int, tokens_out: int = 0, *, model: str = "gpt-4o", status: int = 200, estimated: bool = False
) -> Call:
    return Call(
        provider="openai", model=model, status=status, input_tokens=tokens_in, output_tokens=tokens_out,
        estimated=estimated, seconds=1.25, at_ms=0,
    )  # fmt: skip


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def ledger(store: Store, lease: Lease, said: list[str]) -> Callable[..., StoreLedger]:
    def make(*, limit: int = 10_000, warn: int = 5_000, usd: float = 0.0) -> StoreLedger:
        settings = Settings(
            model=ModelSettings(max_tokens_per_task=limit, warn_tokens_per_task=warn),
            budget=BudgetSettings(usd_per_day=usd), prices=PRICES,
        )  # fmt: skip
        return StoreLedger(settings, lease.task, Calls(store, lease.n, 1), said.append)

    return make


def spend(ledger: StoreLedger, ended: Call) -> None:
    ticket = ledger.reserve(ASK)
    assert isinstance(ticket, int)
    ledger.settle(ticket, ended)


def test_a_call_is_reserved_by_the_most_it_can_cost_and_settled_by_what_it_did(
    store: Store, ledger: Callable[..., StoreLedger]
) -> None:
    mine = ledger()
    ticket = mine.reserve(ASK)
    assert isinstance(ticket, int)
    assert spent_today(store)[1] == pytest.approx(1.0)

    mine.settle(ticket, call(100, 20))

    assert sum(spent_today(store)) == pytest.approx(0.12)


def test_the_cost_of_a_priced_call_is_the_tasks(tasks: Tasks, lease: Lease, ledger: Callable[..., StoreLedger]) -> None:
    spend(ledger(), call(100, 20))

    assert tasks.get(lease.task.id).usage.cost_usd == pytest.approx(0.12)


def test_a_call_without_a_price_costs_nobody_knows_what_and_counts_against_the_budget(
    store: Store, tasks: Tasks, lease: Lease, ledger: Callable[..., StoreLedger]
) -> None:
    spend(ledger(), call(1_000_000, model="house-model-1"))

    assert tasks.get(lease.task.id).usage.cost_usd is None
    assert spent_today(store)[0] > 1.0


def test_a_task_has_the_limit_it_was_given_else_the_configured_one(ledger: Callable[..., StoreLedger]) -> None:
    mine = ledger(limit=1_000)
    spend(mine, call(1_000))

    assert mine.reserve(ASK) == "token_limit"


def test_a_spent_budget_pauses_the_queue(store: Store, ledger: Callable[..., StoreLedger]) -> None:
    mine = ledger(usd=1.0)
    spend(mine, call(1_000))

    assert mine.reserve(ASK) == "budget"
    paused = Holds(store).paused
    assert paused is not None
    assert paused.reason == "budget"


def test_every_call_is_said(ledger: Callable[..., StoreLedger], said: list[str]) -> None:
    mine = ledger()
    spend(mine, call(12, 3))
    spend(mine, call(12, 3, status=499, estimated=True))

    assert said == [
        "model call: openai gpt-4o, 12 tokens in, 3 out, 1.2 s",
        "model call: openai gpt-4o, 12 tokens in, 3 out (estimated), 1.2 s, HTTP 499",
    ]


def test_many_tokens_are_warned_of_once(ledger: Callable[..., StoreLedger], said: list[str]) -> None:
    mine = ledger(warn=100)
    for _ in range(3):
        spend(mine, call(60))

    [warning] = [line for line in said if line.startswith("warning: ")]
    assert warning == "warning: 120 tokens used by this task so far: Fix the bug"


def test_calls_that_pass_the_warning_together_are_warned_of(
    store: Store, lease: Lease, ledger: Callable[..., StoreLedger], said: list[str]
) -> None:
    """None of them alone is the one that passed it."""
    mine = ledger(warn=100)
    ticket = mine.reserve(ASK)
    assert isinstance(ticket, int)
    spend_beside(store, lease, 200, 0)

    mine.settle(ticket, call(60))

    assert [line for line in said if line.startswith("warning: 260 tokens")]


def test_a_warning_shows_the_beginning_of_a_long_text(
    store: Store, lease: Lease, ledger: Callable[..., StoreLedger], said: list[str]
) -> None:
    mine = ledger(warn=10)
    object.__setattr__(lease.task, "prompt", "word " * 1_000)

    spend(mine, call(60))

    assert len(said[-1]) < 600
    assert said[-1].endswith("…")
