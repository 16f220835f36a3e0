"""Fault → status and error code; each loses nothing and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.world import FIX, SLUG, World, fix
from tests.fakes.model_replies import Reply, hang
from tests.support import make_repo

WORKFLOW = "```diff\n--- /dev/null\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+on: push\n```\n"
REJECTED = FIX.replace("a - b", "a * b")


def test_a_refused_patch_is_kept_with_its_reason(local_world: World) -> None:
    local_world.script = lambda _: Reply(text=REJECTED)
    local_world.configure(model__repair_rounds=1)

    task = local_world.settle()

    rejected = task["error"]["detail"]["rejected"]
    assert [entry["round"] for entry in rejected] == [1, 2]
    assert all(entry["reason"] for entry in rejected)
    assert "a * b" in (local_world.home / rejected[0]["path"]).read_text()
    assert local_world.run("diff", task["id"]).code == 8


def test_a_diff_that_the_policy_stops_is_kept(local_world: World) -> None:
    local_world.script = lambda _: Reply(text=WORKFLOW)

    task = local_world.settle()

    assert "x.yml" in task["error"]["message"] + str(task["error"]["detail"])
    assert "+on: push" in local_world.ok("diff", task["id"]).out


def test_the_token_limit_of_the_task_is_kept_by_the_host(local_world: World) -> None:
    local_world.script = lambda _: Reply(text=REJECTED, prompt_tokens=900, completion_tokens=200)
    local_world.configure(model__repair_rounds=5)

    task = local_world.settle("add() must add", "--max-tokens", "2000")

    assert (task["status"], task["error"]["code"]) == ("failed", "token_limit")
    assert task["usage"]["total_tokens"] == 2200
    assert len(local_world.model.completions) == 2


def test_a_timeout_kills_the_attempt(local_world: World) -> None:
    local_world.script = lambda _: hang()
    local_world.configure(timeout="2s")

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("failed", "timeout")


@pytest.mark.docker
def test_a_timeout_kills_the_container(world: World) -> None:
    world.script = lambda _: hang()
    world.configure(timeout="2s")

    task = world.settle()

    assert (task["status"], task["error"]["code"]) == ("failed", "timeout")


@pytest.mark.docker
def test_an_image_that_cannot_be_built_fails_the_task_with_the_reason(world: World) -> None:
    world.configure(sandbox__base_image="pithy-test.invalid/none:latest")

    task = world.settle()

    assert (task["status"], task["error"]["code"]) == ("failed", "image_missing")
    assert any("pithy-test.invalid/none" in line["text"] for line in world.log(task["id"]))


def test_what_nobody_foresaw_is_internal_and_asks_for_a_report(local_world: World) -> None:
    task = local_world.add()
    (local_world.home / "artifacts").write_text("a file where a folder belongs")

    local_world.ok("run", "--until-idle")

    shown = local_world.show(task)
    assert (shown["status"], shown["error"]["code"]) == ("failed", "internal")
    assert f"pithy-local logs {task}" in shown["error"]["hint"]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["add", "x", "--repo", "acme/unknown"], 2, "acme/unknown"),
        (["add", "x", "--repo", "/no/such/path"], 2, "/no/such/path"),
        (["add", "x", "--repo", "git@github.com:a/b.git"], 2, "ssh"),
        (["add", "   ", "--repo", SLUG], 2, "empty"),
        (["add", "x"], 2, "--repo"),
        (["add", "x", "--repo", SLUG, "--executor", "github-actions"], 2, "executor"),
        (["show", "zzzzzzzzzz"], 5, "zzzzzzzzzz"),
        (["frobnicate"], 2, "frobnicate"),
        (["retry", "zzzzzzzzzz"], 5, "zzzzzzzzzz"),
        (["workflow"], 2, "workflow"),
    ],
)
def test_bad_input_is_one_line_with_a_hint_and_writes_nothing(
    local_world: World, args: list[str], code: int, words: str
) -> None:
    ran = local_world.run(*args)

    assert ran.code == code, ran.err
    assert words in ran.err
    assert "hint: " in ran.err
    assert "Traceback" not in ran.err
    assert local_world.ok("list", "--all").out == ""
    assert local_world.model.calls == []


def test_a_wrong_token_is_refused_before_anything_is_queued(local_world: World) -> None:
    ran = local_world.run("add", "x", "--repo", SLUG, env={"GITHUB_TOKEN": "ghp_wrong0000000000"})

    assert ran.code == 4
    assert "hint" in ran.err
    assert local_world.ok("list", "--all").out == ""


def test_a_repository_that_may_not_be_pushed_to_is_refused_before_anything_is_queued(local_world: World) -> None:
    local_world.github.add_repo("acme/theirs", local_world.bare, local_world.git_server.url_of(SLUG), push=False)

    ran = local_world.run("add", "x", "--repo", "acme/theirs")

    assert (ran.code, "hint: " in ran.err) == (4, True)
    assert local_world.ok("list", "--all").out == ""


def test_a_base_branch_that_is_not_there_is_refused(local_world: World, tmp_path: Path) -> None:
    mine = make_repo(tmp_path / "mine", {"a.txt": "a\n"})

    refusals = [local_world.run("add", "x", "--repo", repo, "--base", "nope") for repo in (SLUG, str(mine))]

    assert [ran.code for ran in refusals] == [2, 2]
    assert all("no branch 'nope'" in ran.err for ran in refusals)
    assert local_world.ok("list", "--all").out == ""


def test_without_a_token_a_private_repository_is_an_authentication_error(local_world: World) -> None:
    ran = local_world.run("add", "x", "--repo", SLUG, env={"GITHUB_TOKEN": ""})

    assert (ran.code, "no GitHub token" in ran.err) == (4, True)


def test_a_plain_url_is_asked_before_it_is_queued(local_world: World) -> None:
    local_world.git_server.stop()
    away = local_world.run("add", "x", "--repo", local_world.git_server.url_of(SLUG))

    assert (away.code, "could not be checked" in away.err) == (0, True)


def test_a_plain_url_without_a_repository_is_refused(local_world: World) -> None:
    ran = local_world.run("add", "x", "--repo", local_world.git_server.url_of("acme/none"))

    assert ran.code == 2, ran.err


def test_github_down_is_a_warning_and_the_task_waits(local_world: World) -> None:
    local_world.github.fail_next("repos/get", 502, {"message": "Bad Gateway"}, times=9)

    ran = local_world.run("add", "x", "--repo", SLUG)

    assert ran.code == 0
    assert "could not be checked" in ran.err
    assert local_world.show(ran.out.strip())["status"] == "queued"


def test_a_prefix_that_fits_two_tasks_is_refused(local_world: World) -> None:
    first, second = local_world.add(), local_world.add()
    prefix = "".join(a for a, b in zip(first, second, strict=True) if a == b)[:2]

    ran = local_world.run("cancel", prefix)

    assert (ran.code, "hint: " in ran.err) == (2, True)
    assert [local_world.show(task)["status"] for task in (first, second)] == ["queued", "queued"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("concurency = 2\n", "concurrency"), ("concurrency = \n", "TOML"), ('concurrency = "two"\n', "concurrency")],
)
def test_a_wrong_configuration_names_file_and_key(local_world: World, text: str, words: str) -> None:
    local_world.config.write_text(text)

    ran = local_world.run("list")

    assert ran.code == 2
    assert "hint: " in ran.err
    assert str(local_world.config) in ran.err
    assert words in ran.err


def test_without_an_engine_run_ends_with_exit_3_and_the_task_stays_queued(local_world: World) -> None:
    task = local_world.add("add() must add", "--executor", "docker")

    ran = local_world.run("run", "--until-idle", env={"DOCKER_HOST": f"unix://{local_world.root}/none.sock"})

    assert ran.code == 3
    assert "doctor" in ran.err
    assert local_world.show(task)["status"] == "queued"


def test_a_real_provider_without_isolation_needs_to_be_allowed(local_world: World) -> None:
    local_world.configure(allow_unisolated=False)

    refused = local_world.run("add", "x", "--repo", SLUG)
    allowed = local_world.run("add", "x", "--repo", SLUG, "--unisolated")

    assert (refused.code, allowed.code) == (6, 0)
    assert "--unisolated" in refused.err


def test_a_repository_with_spaces_in_its_path_works(local_world: World, tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "my own repo", {"calc.py": "def add(a, b):\n    return a - b\n"})

    task: dict[str, Any] = local_world.settle(repo=str(repo))

    assert task["status"] == "completed"


def test_usage_is_exactly_what_the_server_reported(local_world: World) -> None:
    local_world.script = lambda _: fix(prompt_tokens=4321, completion_tokens=123)

    task = local_world.settle()

    assert (task["usage"]["input_tokens"], task["usage"]["output_tokens"]) == (4321, 123)
