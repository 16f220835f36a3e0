"""Verify commands: the agent mends what it broke, and the host's own runs are the evidence."""

from __future__ import annotations

import pytest

from tests.e2e.world import FIX, World, fix
from tests.fakes.model_replies import Reply

PASSES = "python3 -c 'import calc; assert calc.add(0, 0) == 0'"
"""Holds on the base, and with the right change."""
PROVES = "python3 -c 'import calc; assert calc.add(1, 2) == 3'"
"""Fails on the base, holds with the right change."""
BREAKS = FIX.replace("return a + b", "return a + b + 1")


@pytest.mark.docker
def test_the_evidence_is_in_the_task_and_in_the_pull_request(world: World) -> None:
    task = world.settle("add() must add", "--verify", PASSES, "--verify", PROVES)

    assert task["status"] == "completed", task["error"]
    assert [(each["command"], each["base_exit"], each["patch_exit"]) for each in task["verify"]] == [
        (PASSES, 0, 0), (PROVES, 1, 0),
    ]  # fmt: skip
    assert "calc.add(1, 2)" in (world.github.prs[0].body or "")
    assert any("verify" in line["text"] and "on the base" in line["text"] for line in world.log(task["id"]))
    assert PROVES in world.ok("show", task["id"], "--json").out.replace('\\"', '"')


@pytest.mark.docker
def test_what_a_change_broke_goes_back_to_the_model_and_is_mended(world: World) -> None:
    replies = iter([Reply(text=BREAKS), fix()])
    world.script = lambda _: next(replies)

    task = world.settle("add() must add", "--verify", PASSES)

    assert (task["status"], task["attempts"]) == ("completed", 1), task["error"]
    assert len(world.model.completions) == 2
    assert "AssertionError" in world.model.completions[1].prompt


def test_a_change_that_stays_broken_needs_review_with_the_output_kept(local_world: World) -> None:
    local_world.script = lambda _: Reply(text=BREAKS)
    local_world.configure(sandbox__verify=[PASSES], model__repair_rounds=1)

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("needs_review", "verify_failed")
    assert "AssertionError" in str(task["error"]["detail"])
    assert [(each["base_exit"], each["patch_exit"]) for each in task["verify"]] == [(0, 1)]
    assert len(local_world.model.completions) == 2
    assert local_world.github.prs == []
    assert "a + b + 1" in local_world.ok("diff", task["id"]).out

    local_world.ok("accept", task["id"])
    assert local_world.show(task["id"])["status"] == "completed"


def test_what_failed_before_is_not_held_against_the_change(local_world: World) -> None:
    local_world.configure(sandbox__verify=["exit 3"])

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    assert [(each["base_exit"], each["patch_exit"]) for each in task["verify"]] == [(3, 3)]
    assert len(local_world.model.completions) == 1


def test_the_base_is_verified_once_for_each_commit_and_command(local_world: World) -> None:
    runs = local_world.root / "runs"
    command = f"echo run >> {runs}"
    local_world.configure(sandbox__verify=[command])

    first, second = local_world.settle(), local_world.settle()

    assert (first["status"], second["status"]) == ("completed", "completed")
    in_each_attempt = 2  # by the agent in its sandbox, by the host on the change
    assert runs.read_text().count("run") == 1 + 2 * in_each_attempt


def test_a_command_that_takes_too_long_is_ended_and_counts_as_failed(local_world: World) -> None:
    local_world.configure(sandbox__verify=["if grep -q 'a + b' calc.py; then sleep 600; fi"], verify_timeout="2s",
                          model__repair_rounds=0)  # fmt: skip

    task = local_world.settle()

    assert task["error"]["code"] == "verify_failed"
    assert task["verify"][0]["patch_exit"] == 124


def test_a_command_that_hangs_on_the_base_hides_nothing_that_a_later_one_finds(local_world: World) -> None:
    local_world.script = lambda _: Reply(text=BREAKS)
    local_world.configure(sandbox__verify=["sleep 600", PASSES], verify_timeout="2s", model__repair_rounds=0)

    task = local_world.settle()

    assert task["error"]["code"] == "verify_failed", task["error"]
    assert [(each["base_exit"], each["patch_exit"]) for each in task["verify"]] == [(124, 124), (0, 1)]


def test_by_products_of_verify_commands_are_no_part_of_the_change(local_world: World) -> None:
    local_world.configure(sandbox__verify=["echo junk > junk.txt; echo '# touched' >> calc.py"])

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    assert task["patch"]["files"] == 1
    assert local_world.file_at(task["head_sha"], "calc.py") == "def add(a, b):\n    return a + b"


def test_the_repositorys_own_file_adds_commands_and_protects_paths(local_world: World) -> None:
    local_world.push_to_main({".pithy.toml": 'verify = ["exit 4"]\nprotected = ["calc.py"]\n'})

    task = local_world.settle("add() must add", "--verify", "true")

    assert (task["status"], task["error"]["code"]) == ("needs_review", "policy")
    evidence = local_world.ok("show", task["id"], "--json").json["verify"]
    assert [(each["command"], each["base_exit"]) for each in evidence] == [("true", 0), ("exit 4", 4)]


def test_a_wrong_file_of_the_repository_names_the_key(local_world: World) -> None:
    local_world.push_to_main({".pithy.toml": 'verfiy = ["true"]\n'})

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("failed", "repo_analysis")
    assert "verfiy" in task["error"]["message"]
    assert "verify" in task["error"]["hint"]
    assert local_world.model.completions == []


@pytest.mark.docker
def test_a_time_limit_in_a_sealed_container(world: World) -> None:
    world.configure(verify_timeout="2s", model__repair_rounds=0)

    slow = "if grep -q 'a + b' calc.py; then sleep 600; fi"
    task = world.settle("add() must add", "--verify", slow, "--verify", PASSES)

    assert task["error"]["code"] == "verify_failed"
    assert [(each["base_exit"], each["patch_exit"]) for each in task["verify"]] == [(0, 124), (0, 0)]
