"""Rate limits are waited for, budgets are kept, and neither costs an attempt."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.world import World, fix
from tests.fakes.model_replies import Reply, out_of_quota, rate_limited

pytestmark = pytest.mark.usefixtures("noon")


def one_then_fix(first: Reply) -> Any:
    replies = iter([first])
    return lambda _: next(replies, fix())


@pytest.mark.docker
def test_a_short_rate_limit_is_waited_for_in_the_sandbox(world: World) -> None:
    world.script = one_then_fix(rate_limited(2))

    task = world.settle()

    assert (task["status"], task["attempts"]) == ("completed", 1), task["error"]
    assert any("limits the rate: waiting until" in line["text"] for line in world.log(task["id"]))
    assert len(world.model.completions) == 2
    assert task["usage"]["total_tokens"] == 1280


def test_waiting_for_a_rate_limit_is_no_time_of_the_agents(local_world: World) -> None:
    local_world.script = one_then_fix(rate_limited(12))
    local_world.configure(timeout="10s", model__timeout="9s")

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]


def test_a_long_rate_limit_parks_the_task_and_keeps_others_of_the_provider_waiting(local_world: World) -> None:
    local_world.script = one_then_fix(rate_limited(3600))
    local_world.configure(concurrency=1)
    first, second = local_world.add(), local_world.add()

    ran = local_world.ok("run", "--until-idle")

    tasks = [local_world.show(task) for task in (first, second)]
    assert [(task["status"], task["attempts"], task["error"]) for task in tasks] == [("queued", 1, None)] * 2
    assert "2 tasks wait until" in ran.err
    assert any("not charged" in line["text"] for line in local_world.log(first))
    assert len(local_world.model.completions) == 1


def test_a_spent_quota_is_not_waited_for(local_world: World) -> None:
    local_world.script = lambda _: out_of_quota()

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("failed", "llm_rate_limit")
    assert "quota" in task["error"]["message"] + str(task["error"]["detail"])


PRICED = {"prices__gpt-4o": {"input": 1000.0, "output": 1000.0}}
"""A thousand dollars a million tokens: the usual answer, 1,280 tokens, costs 1.28."""


def test_a_spent_budget_pauses_the_queue_which_goes_on_when_told_to(local_world: World) -> None:
    local_world.configure(budget__usd_per_day=1.0, concurrency=1, **PRICED)
    first = local_world.settle()
    assert (first["status"], first["usage"]["cost_usd"]) == ("completed", 1.28)

    second = local_world.add()
    ran = local_world.run("run", "--until-idle")

    waiting = local_world.show(second)
    assert ran.code == 6
    assert "resume --budget" in ran.err
    assert (waiting["status"], waiting["attempts"]) == ("queued", 1)
    assert len(local_world.model.completions) == 1
    assert local_world.run("resume").code == 6

    local_world.ok("resume", "--budget")
    local_world.ok("run", "--until-idle")
    assert local_world.show(second)["status"] == "completed"


def test_a_named_task_meets_the_spent_budget_in_a_paused_queue_too(local_world: World) -> None:
    """Once: it is not tried again and again."""
    local_world.configure(budget__usd_per_day=1.0, concurrency=1, **PRICED)
    local_world.settle()
    named = local_world.add()
    local_world.ok("pause")

    ran = local_world.run("run", named)

    assert (ran.code, "resume --budget" in ran.err) == (6, True)
    assert (local_world.show(named)["status"], local_world.show(named)["attempts"]) == ("queued", 1)
    assert len([line for line in local_world.log(named) if "not charged" in line["text"]]) == 1
    local_world.ok("resume", "--budget")
    local_world.ok("run", "--until-idle")
    assert local_world.show(named)["status"] == "completed"


def test_a_task_that_waits_for_a_rate_limit_is_cancelled_at_once(local_world: World) -> None:
    local_world.script = one_then_fix(rate_limited(3600))
    task = local_world.settle()
    assert task["status"] == "queued"

    local_world.ok("cancel", task["id"])

    assert local_world.show(task["id"])["status"] == "cancelled"


def test_a_model_without_a_price_is_kept_by_the_budget_too_and_its_cost_is_unknown(local_world: World) -> None:
    local_world.configure(budget__usd_per_day=0.01, concurrency=1)
    first = local_world.settle("add() must add", "--model", "house-model-1")
    assert (first["status"], first["usage"]["cost_usd"]) == ("completed", None)

    local_world.add("add() must add", "--model", "house-model-1")

    assert local_world.run("run", "--until-idle").code == 6
    assert len(local_world.model.completions) == 1


def test_many_tokens_are_warned_of_with_the_tasks_text(local_world: World) -> None:
    local_world.script = lambda _: fix(prompt_tokens=50_000, completion_tokens=80)

    task = local_world.settle("add() must add, said the canary")

    [warning] = [line["text"] for line in local_world.log(task["id"]) if line["text"].startswith("warning: ")]
    assert "50,080 tokens" in warning
    assert "said the canary" in warning
