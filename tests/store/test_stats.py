"""What the queue has done and what it cost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pithy_local.clock import day_of
from pithy_local.errors import ErrorCode
from pithy_local.models import Status, TaskError
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.settled import Settled
from pithy_local.store.stats import Figures, stats
from pithy_local.store.tasks import Tasks
from tests.spending import spend
from tests.store.conftest import HandClock, new_task

DAY = 86_400.0


class History:
    """Tasks that are worked one after another, in the clock's own time."""

    def __init__(self, store: Store, owner: str) -> None:
        self._store, self._owner, self._tasks = store, owner, Tasks(store)

    def begin(self, *, repo: str = "acme/api", model: str = "gpt-4o") -> Lease:
        task = self._tasks.insert(new_task(repo=repo, model=model))
        claimed = self._tasks.claim(self._owner, executors=["docker"], concurrency=64, ids=[task.id])
        assert claimed is not None
        lease = Lease(self._store, claimed, self._owner)
        lease.begin_attempt()
        return lease

    def work(
        self, status: Status = Status.COMPLETED, *, code: ErrorCode | None = None, seconds: float = 60,
        repo: str = "acme/api", model: str = "gpt-4o", verdict: str = "applied",
    ) -> Lease:  # fmt: skip
        """One task from its claim to its end: one answer, no call."""
        lease = self.begin(repo=repo, model=model)
        self._store.clock.sleep(seconds)
        lease.record_answer(1, verdict)
        if status is Status.COMPLETED:
            lease.record_commit("c" * 40)
        lease.settle(status, TaskError(code=code.word, message="m", hint="h") if code else None)
        return lease


@pytest.fixture
def history(store: Store, owner: str) -> History:
    return History(store, owner)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place where the date changes at 10:00 UTC."""
    monkeypatch.setenv("TZ", "PLACE-14")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_an_empty_home_has_no_rates_and_has_cost_nothing(store: Store) -> None:
    found = stats(store, by="repo")

    assert (found.total, found.groups) == (Figures(), ())
    assert set(found.total.tasks) == set(Status)
    assert found.total.cost_usd == 0.0
    assert (found.total.success_rate, found.total.apply_rate, found.total.median_seconds) == (None, None, None)


def test_rates_leave_out_what_the_user_cancelled_and_what_has_not_ended(
    store: Store, tasks: Tasks, history: History
) -> None:
    history.work(Status.COMPLETED)
    history.work(Status.COMPLETED)
    history.work(Status.FAILED, code=ErrorCode.TIMEOUT)
    history.work(Status.NEEDS_REVIEW, code=ErrorCode.POLICY)
    history.work(Status.CANCELLED)
    tasks.insert(new_task())

    total = stats(store).total

    assert {status.value: count for status, count in total.tasks.items() if count} == {
        "completed": 2, "failed": 1, "needs_review": 1, "cancelled": 1, "queued": 1,
    }  # fmt: skip
    assert (total.settled, total.success_rate, total.failure_rate) == (4, 0.5, 0.25)


def test_reasons_are_those_of_the_last_attempt_the_most_frequent_first(store: Store, history: History) -> None:
    mended = history.work(Status.FAILED, code=ErrorCode.OOM)
    history.work(Status.NEEDS_REVIEW, code=ErrorCode.POLICY)
    history.work(Status.FAILED, code=ErrorCode.TIMEOUT)
    history.work(Status.FAILED, code=ErrorCode.TIMEOUT)
    history.work(Status.NEEDS_CLARIFICATION, code=ErrorCode.CLARIFICATION)
    history.work(Status.CANCELLED)
    Settled(store).again(mended.task.id)

    assert list(stats(store).total.reasons.items()) == [("timeout", 2), ("clarification", 1), ("policy", 1)]


def test_tokens_and_cost_are_summed_and_kept_when_the_task_is_removed(store: Store, history: History) -> None:
    lease = history.begin()
    spend(store, lease, 1_000, 200, cost_usd=0.25)
    spend(store, lease, 500, 50, cost_usd=0.5)
    lease.settle(Status.CANCELLED)
    before = stats(store).total
    Settled(store).remove(lease.task.id)

    after = stats(store, by="repo")

    assert (before.calls, before.input_tokens, before.output_tokens, before.total_tokens) == (2, 1_500, 250, 1_750)
    assert (before.cost_usd, before.unpriced_calls) == (0.75, 0)
    assert (after.total.calls, after.total.total_tokens, after.total.cost_usd) == (2, 1_750, 0.75)
    assert [(group.key, group.figures.calls) for group in after.groups] == [(None, 2)]


def test_an_unknown_price_makes_the_cost_unknown_and_hides_no_known_one(store: Store, history: History) -> None:
    lease = history.begin()
    spend(store, lease, 1_000, 200, cost_usd=0.25)
    spend(store, lease, 9_000, 9_000, cost_usd=None)

    total = stats(store).total

    assert (total.cost_usd, total.cost_known_usd, total.unpriced_calls) == (None, 0.25, 1)
    assert total.to_json()["cost_usd"] is None


def test_a_call_under_way_counts_when_it_is_settled(store: Store, history: History) -> None:
    lease = history.begin()
    store.queue.write(
        "INSERT INTO call(task, attempt, at, provider, model, reserved_input) VALUES (?, 1, 1, 'openai', 'gpt-4o', 9)",
        (lease.n,),
    )

    assert stats(store).total.calls == 0


def test_durations_are_of_attempts_that_ended(store: Store, history: History) -> None:
    for seconds in (60, 120, 179, 181, 1_000):
        history.work(seconds=seconds)
    history.begin()
    store.clock.sleep(10_000)

    total = stats(store).total

    assert (total.attempts, total.mean_seconds, total.median_seconds) == (5, 308.0, 179.0)
    assert total.under_3_minutes == 0.6


def test_each_attempt_of_a_task_counts(store: Store, history: History, owner: str) -> None:
    lease = history.work(Status.FAILED, code=ErrorCode.TIMEOUT, seconds=30)
    Settled(store).again(lease.task.id)
    claimed = Tasks(store).claim(owner, executors=["docker"], concurrency=64)
    assert claimed is not None
    again = Lease(store, claimed, owner)
    again.begin_attempt()
    store.clock.sleep(90)
    again.record_commit("c" * 40)
    again.settle(Status.COMPLETED)

    total = stats(store).total

    assert (total.settled, total.attempts, total.mean_seconds, total.success_rate) == (1, 2, 60.0, 1.0)


def test_first_answers_are_judged_over_all_and_over_those_with_a_change(store: Store, history: History) -> None:
    for verdict in ("applied", "applied", "patch_rejected", "patch_malformed", "truncated", "question", "empty"):
        history.work(verdict=verdict)
    later = history.begin()
    later.record_answer(1, "patch_rejected")
    later.record_answer(2, "applied")

    total = stats(store).total

    assert (total.first_answers, total.first_answers_applied, total.recoverable_answers) == (8, 2, 4)
    assert (total.apply_rate, total.recoverable_apply_rate) == (0.25, 0.5)


def test_what_happened_earlier_is_left_out_and_what_waits_counts_as_of_now(
    store: Store, tasks: Tasks, clock: HandClock, history: History
) -> None:
    tasks.insert(new_task())
    old = history.work(Status.FAILED, code=ErrorCode.OOM)
    spend(store, old, 1, 1)
    clock.sleep(8 * DAY)
    since = clock.now_ms() - int(7 * DAY * 1000)
    new = history.work(seconds=10)
    spend(store, new, 100, 10, cost_usd=0.1)

    total = stats(store, since_ms=since).total

    assert (total.tasks[Status.COMPLETED], total.tasks[Status.FAILED], total.tasks[Status.QUEUED]) == (1, 0, 1)
    assert (total.reasons, total.attempts, total.mean_seconds) == ({}, 1, 10.0)
    assert (total.total_tokens, total.cost_usd, total.first_answers) == (110, 0.1, 1)


def test_groups_by_repository_have_the_same_figures_most_tasks_first(store: Store, history: History) -> None:
    history.work(repo="acme/zoo", seconds=10)
    history.work(Status.FAILED, repo="acme/api", code=ErrorCode.OOM, seconds=30, verdict="empty")
    spend(store, history.work(repo="acme/api", seconds=50), 7, 3, cost_usd=0.5)
    history.work(repo="acme/app")

    found = stats(store, by="repo")

    assert [group.key for group in found.groups] == ["acme/api", "acme/app", "acme/zoo"]
    api = found.groups[0].figures
    assert (api.settled, api.success_rate, api.reasons, api.mean_seconds) == (2, 0.5, {"oom": 1}, 40.0)
    assert (api.total_tokens, api.cost_usd, api.first_answers, api.apply_rate) == (10, 0.5, 2, 0.5)
    assert found.total == stats(store).total


def test_by_model_a_fallbacks_tokens_are_its_own(store: Store, history: History) -> None:
    lease = history.work(model="gpt-4o")
    spend(store, lease, 1, 1, model="gpt-4o")
    spend(store, lease, 30, 3, model="claude-sonnet-4-5")

    groups = {group.key: group.figures for group in stats(store, by="model").groups}

    assert (groups["gpt-4o"].settled, groups["gpt-4o"].total_tokens) == (1, 2)
    assert (groups["claude-sonnet-4-5"].settled, groups["claude-sonnet-4-5"].total_tokens) == (0, 33)


@pytest.mark.usefixtures("far_east")
def test_days_are_those_of_this_machines_place_in_order(store: Store, clock: HandClock, history: History) -> None:
    first = clock.now_ms()  # 08:00 UTC: 22:00 there
    history.work(seconds=60)
    clock.sleep(3 * 3_600)
    history.work(Status.FAILED, code=ErrorCode.OOM, seconds=60)
    history.work(seconds=60)

    groups = stats(store, by="day").groups

    assert [group.key for group in groups] == [day_of(first), day_of(clock.now_ms())]
    assert [group.figures.settled for group in groups] == [1, 2]
    assert groups[0].key == "2027-01-15"


def test_the_json_object_has_every_figure_and_rounds(store: Store, history: History) -> None:
    spend(store, history.work(seconds=0.25), 7, 3, cost_usd=0.123456789)
    history.work(Status.FAILED, code=ErrorCode.OOM, verdict="empty")
    history.work(Status.FAILED, code=ErrorCode.OOM)

    found = stats(store, since_ms=1_000, by="repo").to_json()

    assert found["since"] == "1970-01-01T00:00:01.000Z"
    assert (found["by"], [group["key"] for group in found["groups"]]) == ("repo", ["acme/api"])
    assert found["tasks"]["completed"] == 1
    assert found["reasons"] == {"oom": 2}
    assert (found["success_rate"], found["failure_rate"], found["settled"]) == (0.3333, 0.6667, 3)
    assert (found["cost_usd"], found["cost_known_usd"], found["unpriced_calls"]) == (0.123457, 0.123457, 0)
    assert (found["mean_seconds"], found["median_seconds"], found["under_3_minutes"]) == (40.1, 60.0, 1.0)
    assert (found["apply_rate"], found["recoverable_apply_rate"]) == (0.6667, 1.0)
    assert found["webhooks"] == {"taken": 0, "refused": {}}
    assert found.keys() - {"since", "by", "groups", "webhooks"} == found["groups"][0].keys() - {"key"}
