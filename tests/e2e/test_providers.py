"""Every provider end to end, through its real SDK."""

from __future__ import annotations

import pytest

from tests.e2e.world import World, fix
from tests.fakes.model_replies import server_error, unauthorized

CLAUDE = ("--provider", "anthropic", "--model", "claude-sonnet-5-5")


@pytest.mark.docker
def test_a_task_is_done_by_anthropic(world: World) -> None:
    task = world.settle("add() must add", *CLAUDE)

    assert (task["status"], task["provider"], task["model"]) == ("completed", "anthropic", "claude-sonnet-5-5")
    assert world.branch(task["id"]) == task["head_sha"]
    usage = task["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (1200, 80)
    assert usage["cost_usd"] > 0
    [call] = world.model.completions
    assert call.path.endswith("/messages")


def test_a_task_is_done_by_anthropic_without_isolation(local_world: World) -> None:
    task = local_world.settle("add() must add", *CLAUDE)

    assert task["status"] == "completed", task["error"]
    assert (task["usage"]["input_tokens"], task["usage"]["output_tokens"]) == (1200, 80)


def test_a_service_error_is_answered_by_the_second_provider(local_world: World) -> None:
    local_world.script = lambda body: server_error(503) if body["model"] == "gpt-4o" else fix()
    local_world.configure(model__fallback="anthropic:claude-sonnet-5-5")

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    assert [call.data["model"] for call in local_world.model.completions] == ["gpt-4o", "claude-sonnet-5-5"]
    assert any("claude-sonnet-5-5" in line["text"] and "gpt-4o" in line["text"] for line in local_world.log(task["id"]))


def test_an_overloaded_provider_falls_back_to_the_other(local_world: World) -> None:
    local_world.script = lambda body: fix() if body["model"] == "gpt-4o" else server_error(529)
    local_world.configure(model__fallback="openai:gpt-4o")

    task = local_world.settle("add() must add", *CLAUDE)

    assert task["status"] == "completed", task["error"]


def test_a_fallback_without_a_key_does_not_hide_why_the_first_provider_failed(local_world: World) -> None:
    local_world.script = lambda _: server_error(503)
    local_world.configure(model__fallback="anthropic:claude-sonnet-5-5", model__anthropic__base_url="")
    del local_world.env["ANTHROPIC_API_KEY"]

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("failed", "llm_service")
    assert {call.data["model"] for call in local_world.model.completions} == {"gpt-4o"}
    assert any("cannot be asked" in line["text"] for line in local_world.log(task["id"]))


def test_a_wrong_key_is_no_reason_to_ask_somebody_else(local_world: World) -> None:
    local_world.script = lambda _: unauthorized()
    local_world.configure(model__fallback="anthropic:claude-sonnet-5-5")

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("failed", "llm_auth")
    assert len(local_world.model.completions) == 1


def test_without_its_key_a_provider_is_refused_before_anything_is_queued(local_world: World) -> None:
    local_world.configure(model__anthropic__base_url="")

    ran = local_world.run("add", "x", "--repo", "acme/api", *CLAUDE, env={"ANTHROPIC_API_KEY": ""})

    assert (ran.code, "ANTHROPIC_API_KEY" in ran.err) == (4, True)
    assert local_world.ok("list", "--all").out == ""
