"""Tasks that wait for a person: questions, reviews, second tries; and deliveries that cost no tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.world import FIX, TOKEN, World, fix
from tests.fakes.git_http import Right
from tests.fakes.model_replies import Reply, unauthorized
from tests.support import git

WORKFLOW = "```diff\n--- /dev/null\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+on: push\n```\n"
QUESTION = "QUESTION: Shall add() also take strings?"


def refuse_once(world: World) -> None:
    """The first push is refused, whoever tries it."""
    world.git_server.add_token(TOKEN, Right.READ)


def allow(world: World) -> None:
    world.git_server.add_token(TOKEN, Right.WRITE)


def test_a_question_waits_for_its_answer_and_the_task_goes_on(local_world: World) -> None:
    local_world.script = lambda _: Reply(text=QUESTION)
    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("needs_clarification", "clarification")
    assert "also take strings" in task["question"]
    assert f"pithy-local answer {task['id']}" in task["error"]["hint"]
    assert (local_world.branch(task["id"]), local_world.github.prs) == (None, [])

    local_world.script = lambda _: fix()
    local_world.ok("answer", task["id"], "No: numbers alone, said the canary.")
    local_world.ok("run", "--until-idle")

    after = local_world.show(task["id"])
    assert (after["status"], after["attempts"], after["question"]) == ("completed", 2, None)
    prompt = local_world.model.completions[-1].prompt
    assert "also take strings" in prompt
    assert "numbers alone, said the canary" in prompt


def test_only_a_question_can_be_answered(local_world: World) -> None:
    task = local_world.settle()

    ran = local_world.run("answer", task["id"], "yes")

    assert (ran.code, "hint: " in ran.err) == (6, True)


def test_a_change_waits_for_its_review_and_is_delivered_when_accepted(local_world: World) -> None:
    task = local_world.settle("add() must add", "--publish", "review")
    assert (task["status"], task["error"]["code"]) == ("needs_review", "awaiting_review")
    assert (local_world.branch(task["id"]), local_world.github.prs) == (None, [])
    assert "+    return a + b" in local_world.ok("diff", task["id"]).out
    calls = len(local_world.model.completions)

    local_world.ok("accept", task["id"])

    after = local_world.show(task["id"])
    assert (after["status"], after["attempts"], after["error"]) == ("completed", 1, None)
    assert local_world.branch(task["id"]) == after["head_sha"]
    assert len(local_world.github.prs) == 1
    assert len(local_world.model.completions) == calls


def test_a_rejected_change_goes_nowhere(local_world: World) -> None:
    local_world.configure(publish="review")
    task = local_world.settle()

    local_world.ok("reject", task["id"])

    after = local_world.show(task["id"])
    assert (after["status"], after["error"]) == ("cancelled", None)
    assert local_world.run("accept", task["id"]).code == 6
    assert local_world.branch(task["id"]) is None


def test_a_protected_path_is_delivered_when_a_person_accepts_it(local_world: World) -> None:
    local_world.script = lambda _: Reply(text=WORKFLOW)
    task = local_world.settle()
    assert task["error"]["code"] == "policy"

    local_world.ok("accept", task["id"])

    after = local_world.show(task["id"])
    assert after["status"] == "completed", after["error"]
    assert local_world.file_at(after["head_sha"], ".github/workflows/x.yml") == "on: push"


def test_what_has_no_diff_cannot_be_accepted(local_world: World) -> None:
    local_world.script = lambda _: Reply(text="I would rather talk about it.")
    local_world.configure(model__repair_rounds=0)
    task = local_world.settle()
    assert task["status"] == "needs_review"

    ran = local_world.run("accept", task["id"])

    assert (ran.code, "retry" in ran.err) == (6, True)


def test_a_send_back_tells_the_model_what_it_did_and_what_was_missing(local_world: World) -> None:
    local_world.configure(publish="review")
    task = local_world.settle()

    local_world.ok("retry", task["id"], "--feedback", "Also say so in a comment, said the canary.")
    local_world.ok("run", "--until-idle")

    prompt = local_world.model.completions[-1].prompt
    assert "said the canary" in prompt
    assert "+    return a + b" in prompt
    after = local_world.show(task["id"])
    assert (after["status"], after["attempts"]) == ("needs_review", 2)


def test_a_delivery_that_failed_is_repeated_for_no_tokens(local_world: World) -> None:
    task = local_world.add()
    refuse_once(local_world)
    local_world.ok("run", "--until-idle")
    failed = local_world.show(task)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "push_rejected")
    allow(local_world)

    local_world.ok("retry", task)
    local_world.ok("run", "--until-idle")

    after = local_world.show(task)
    assert (after["status"], after["attempts"]) == ("completed", 2), after["error"]
    assert local_world.branch(task) == after["head_sha"]
    assert after["usage"] == failed["usage"]
    assert len(local_world.model.completions) == 1
    assert len(local_world.github.prs) == 1


def test_a_second_delivery_after_a_pull_request_that_failed_keeps_one_branch_and_one_request(
    local_world: World,
) -> None:
    local_world.github.fail_next("pulls/create", 403, {"message": "Resource not accessible by personal access token"})
    task = local_world.settle()
    assert task["error"]["code"] == "github_auth"
    assert local_world.branch(task["id"]) is not None

    local_world.ok("retry", task["id"])
    local_world.ok("run", "--until-idle")

    after = local_world.show(task["id"])
    assert after["status"] == "completed", after["error"]
    assert local_world.branch(task["id"]) == after["head_sha"]
    assert len(local_world.github.prs) == 1


def test_an_accepted_change_whose_delivery_failed_is_delivered_again_for_no_tokens(local_world: World) -> None:
    task = local_world.settle("add() must add", "--publish", "review")["id"]
    refuse_once(local_world)
    local_world.run("accept", task)
    failed = local_world.show(task)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "push_rejected")
    allow(local_world)

    local_world.ok("retry", task)
    local_world.ok("run", "--until-idle")

    after = local_world.show(task)
    assert (after["status"], after["attempts"]) == ("completed", 2), after["error"]
    assert len(local_world.model.completions) == 1
    assert after["usage"] == failed["usage"]


def test_a_change_that_was_sent_back_sees_the_one_before_although_a_try_failed_in_between(local_world: World) -> None:
    local_world.configure(publish="review")
    task = local_world.settle()["id"]
    local_world.script = lambda _: unauthorized()
    local_world.ok("retry", task, "--feedback", "Also say so in a comment, said the canary.")
    local_world.ok("run", "--until-idle")
    assert local_world.show(task)["error"]["code"] == "llm_auth"
    local_world.script = lambda _: fix()

    local_world.ok("retry", task)
    local_world.ok("run", "--until-idle")

    prompt = local_world.model.completions[-1].prompt
    assert "+    return a + b" in prompt
    assert "said the canary" in prompt
    assert local_world.show(task)["attempts"] == 3


def test_feedback_on_a_completed_task_is_a_further_change_of_the_same_pull_request(local_world: World) -> None:
    task = local_world.settle()
    refused = local_world.run("retry", task["id"])
    local_world.script = lambda _: Reply(text=FIX.replace("return a + b", "return b + a"))

    local_world.ok("retry", task["id"], "--feedback", "The other way round.")
    local_world.ok("run", "--until-idle")

    after = local_world.show(task["id"])
    assert refused.code == 6
    assert (after["status"], after["attempts"]) == ("completed", 2), after["error"]
    assert local_world.file_at(after["head_sha"], "calc.py").endswith("return b + a")
    assert local_world.branch(task["id"]) == after["head_sha"] != task["head_sha"]
    assert [request.number for request in local_world.github.prs] == [task["pr_number"]]


def test_a_cancelled_task_can_be_tried_again(local_world: World) -> None:
    task = local_world.add()
    local_world.ok("cancel", task)

    local_world.ok("retry", task)
    local_world.ok("run", "--until-idle")

    assert local_world.show(task)["status"] == "completed"


def test_a_paused_queue_keeps_its_tasks_and_says_so(local_world: World) -> None:
    task = local_world.add()
    local_world.ok("pause")

    ran = local_world.run("run", "--until-idle")

    assert ran.code == 6
    assert "resume" in ran.err
    assert local_world.show(task)["status"] == "queued"
    local_world.ok("resume")
    local_world.ok("run", "--until-idle")
    assert local_world.show(task)["status"] == "completed"


def test_a_removed_task_leaves_nothing(local_world: World) -> None:
    task = local_world.settle()["id"]

    local_world.ok("rm", task, "--yes")

    assert local_world.run("show", task).code == 5
    assert not (local_world.home / "artifacts" / task).exists()
    spent: dict[str, Any] = local_world.ok("stats", "--json").json
    assert spent["input_tokens"] == 1200


@pytest.mark.docker
def test_an_accepted_change_of_a_sealed_container_is_delivered(world: World) -> None:
    task = world.settle("add() must add", "--publish", "review")

    world.ok("accept", task["id"])

    after = world.show(task["id"])
    assert after["status"] == "completed"
    assert git("rev-parse", f"{after['head_sha']}^", cwd=world.bare) == after["base_sha"]
