"""Pauses, the day's budget, rate limits: what holds tasks back, what is said of it, what ends it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from pithy_local import service
from pithy_local.clock import day_bounds_ms
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Status
from pithy_local.service import App, Wait
from pithy_local.store.holds import Holds
from pithy_local.store.processes import NAMED, Processes
from tests.seeding import claim, enqueue, settle
from tests.spending import spend
from tests.store.conftest import HandClock

MINUTE = 60_000


def limited(app: App, usd_per_day: float) -> App:
    budget = msgspec.structs.replace(app.settings.budget, usd_per_day=usd_per_day)
    return replace(app, settings=msgspec.structs.replace(app.settings, budget=budget))


def spent(app: App, usd: float) -> None:
    """A call of today that cost this much."""
    spend(app.store, claim(app.store, enqueue(app.store)), 10, 10, cost_usd=usd)


def spent_and_paused(app: App, usd: float) -> None:
    spent(app, usd)
    Holds(app.store).pause_for_budget()


def test_a_pause_lasts_until_somebody_resumes(app: App, clock: HandClock) -> None:
    service.pause(app)
    clock.sleep(3 * 86_400)

    found = service.paused(app)
    assert found is not None
    assert service.explain_pause(app, found) == "the queue is paused. `pithy-local resume` goes on."
    assert service.resume(app) == found
    assert service.paused(app) is None
    assert service.resume(app) is None


def test_a_spent_budget_is_not_resumed_by_accident(app: App, clock: HandClock) -> None:
    app = limited(app, 4.0)
    spent_and_paused(app, 5.0)

    with pytest.raises(PithyError) as refused:
        service.resume(app)

    assert (refused.value.code, refused.value.exit_code) == (ErrorCode.BUDGET, 6)
    assert refused.value.message == "the day's budget is spent: the queue is paused until 00:00"
    assert "pithy-local resume --budget" in refused.value.hint
    assert service.paused(app) is not None


def test_the_budget_is_allowed_once_more(app: App) -> None:
    app = limited(app, 4.0)
    spent_and_paused(app, 5.0)

    lifted = service.resume(app, budget=True)

    assert lifted is not None
    assert lifted.reason == "budget"
    assert service.paused(app) is None
    assert service.spending(app) == service.Spending(spent_usd=5.0, allowed_usd=8.0)


def test_the_budget_is_allowed_as_often_as_it_takes(app: App) -> None:
    app = limited(app, 4.0)
    spent_and_paused(app, 12.0)

    service.resume(app, budget=True)

    assert service.spending(app) == service.Spending(spent_usd=12.0, allowed_usd=16.0)


def test_a_budget_that_is_not_spent_is_not_raised(app: App) -> None:
    app = limited(app, 4.0)
    spent(app, 1.0)
    service.pause(app)

    service.resume(app, budget=True)

    assert service.spending(app) == service.Spending(spent_usd=1.0, allowed_usd=4.0)


def test_a_higher_limit_in_the_settings_is_enough_to_go_on(app: App) -> None:
    spent_and_paused(limited(app, 4.0), 5.0)

    service.resume(limited(app, 40.0))

    assert service.paused(app) is None


def test_a_spent_budget_ends_at_midnight(app: App, clock: HandClock) -> None:
    app = limited(app, 4.0)
    spent_and_paused(app, 5.0)
    clock.now = day_bounds_ms(clock.now)[1]

    assert service.paused(app) is None
    assert service.overview(app).paused is None
    assert service.resume(app) is None


def test_what_the_user_paused_stays_held_by_a_spent_budget_and_ends_at_midnight(app: App, clock: HandClock) -> None:
    app = limited(app, 4.0)
    spent(app, 5.0)
    service.pause(app)

    with pytest.raises(PithyError, match="until 00:00"):
        service.resume(app)

    clock.now = day_bounds_ms(clock.now)[1]
    assert service.paused(app) is None


def test_without_a_limit_there_is_no_budget(app: App) -> None:
    spent(app, 1_000.0)
    service.pause(app)

    assert service.spending(app) is None
    assert service.resume(app) is not None


def test_a_parked_task_waits_for_its_time(app: App, clock: HandClock) -> None:
    task = enqueue(app.store)
    claim(app.store, task).requeue(not_before=clock.now + MINUTE)

    [parked] = service.waiting(app)
    assert service.waits(app, [parked]) == {task.id: Wait(until=clock.now + MINUTE, reason="")}

    clock.sleep(60)
    assert service.waiting(app) == []
    assert service.waits(app, [parked]) == {}


def test_a_rate_limit_holds_every_task_of_its_provider(app: App, clock: HandClock) -> None:
    held, other = enqueue(app.store), enqueue(app.store, provider="anthropic")
    done = settle(app.store, enqueue(app.store), Status.FAILED)
    Holds(app.store).close_gate("openai", clock.now + MINUTE)

    found = service.waits(app, [held, other, done])

    assert found == {held.id: Wait(until=clock.now + MINUTE, reason="rate limit of openai")}
    assert [task.id for task in service.waiting(app)] == [held.id]
    assert service.waiting(app, [other.id]) == []


def test_the_later_time_counts(app: App, clock: HandClock) -> None:
    task = enqueue(app.store)
    claim(app.store, task).requeue(not_before=clock.now + 5 * MINUTE)
    Holds(app.store).close_gate("openai", clock.now + MINUTE)

    assert service.waits(app, service.waiting(app))[task.id].until == clock.now + 5 * MINUTE


def test_a_task_waits_for_another_one(app: App, clock: HandClock) -> None:
    first = enqueue(app.store)
    waits = enqueue(app.store, after=first.id)
    both = enqueue(app.store, after=first.id, not_before=clock.now + MINUTE)

    found = service.waits(app, [first, waits, both])

    assert found == {waits.id: Wait(after=first.id), both.id: Wait(after=first.id, until=clock.now + MINUTE)}
    assert found[waits.id].words(clock.now) == f"task {first.id} has completed"
    assert found[both.id].words(clock.now).startswith(f"task {first.id} has completed, and not before ")
    assert found[both.id].short(clock.now) == f"after {first.id}"
    assert (service.overview(app).queued, service.overview(app).waiting) == (3, 2)

    settle(app.store, first, Status.COMPLETED)
    assert service.waits(app, [service.find(app, waits.id)]) == {}


def test_a_moment_has_its_date_when_it_is_far_away(clock: HandClock) -> None:
    today = service.moment(clock.now + MINUTE, clock.now)
    later = service.moment(clock.now + 3 * 86_400_000, clock.now)

    assert (len(today), today[2]) == (5, ":")
    assert later.startswith("2027-01-")


def test_the_overview_counts_what_waits_and_for_whom(app: App, clock: HandClock) -> None:
    for provider in ("openai", "anthropic", "anthropic"):
        enqueue(app.store, provider=provider)
    claim(app.store, enqueue(app.store))
    settle(app.store, enqueue(app.store), Status.NEEDS_REVIEW)
    settle(app.store, enqueue(app.store), Status.NEEDS_CLARIFICATION)
    Holds(app.store).close_gate("anthropic", clock.now + MINUTE)

    assert service.overview(app) == service.Overview(running=1, queued=3, waiting=2, review=2, concurrency=2)

    service.pause(app)
    assert service.overview(app).waiting == 3
    assert service.overview(app).paused == service.paused(app)


def test_only_a_living_process_that_works_the_whole_queue_is_a_worker(app: App) -> None:
    processes = Processes(app.store)
    app.store.queue.write("INSERT INTO process VALUES ('dead', 'run', 1, 0.5, 'another boot', 1)")
    processes.register(NAMED)
    assert not service.has_worker(app)

    processes.register("tui")
    assert service.has_worker(app)
