"""A task becomes a commit on `pj/<id>` and a pull request."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.world import FIX, KEY, SLUG, TOKEN, World, fix
from tests.fakes.git_http import PUSH
from tests.fakes.model_replies import Reply
from tests.support import branch_sha, commit_files, git, make_repo


def assert_delivered(world: World, task: dict[str, Any]) -> None:
    assert task["status"] == "completed", task["error"]
    assert world.branch(task["id"]) == task["head_sha"]
    assert world.file_at(task["head_sha"], "calc.py") == "def add(a, b):\n    return a + b"
    assert git("rev-parse", f"{task['head_sha']}^", cwd=world.bare) == task["base_sha"]
    [request] = world.github.prs
    assert (request.title, request.base, request.head) == ("Pithy Jaunt: add() must add", "main", task["branch"])
    body = request.body or ""
    assert body.endswith(f"<!-- pithy-task:{task['id']} -->")
    assert "add() must add" in body
    assert task["pr_number"] == request.number
    assert task["usage"] == {"input_tokens": 1200, "output_tokens": 80, "total_tokens": 1280, "cost_usd": 0.0038}
    assert (task["patch"]["files"], task["patch"]["added"], task["patch"]["removed"]) == (1, 1, 1)


@pytest.mark.docker
def test_a_task_is_delivered_from_a_sealed_container(world: World) -> None:
    task = world.settle()

    assert_delivered(world, task)


def test_a_task_is_delivered_by_mock_execution_which_says_that_it_is_not_isolated(local_world: World) -> None:
    task = local_world.settle()

    assert_delivered(local_world, task)
    assert any("UNISOLATED" in line["text"] for line in local_world.log(task["id"]))


def numbered(body: dict[str, Any]) -> Reply:
    """Write the file that the task's text names, and say in it which other such files were seen."""
    text = json.dumps(body)
    name = next(word for word in text.replace("`", " ").split() if word.startswith("task-"))
    others = sorted({word for word in text.replace("`", " ").split() if word.startswith("task-")} - {name})
    diff = f"```diff\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+{name} saw {others}\n```\n"
    return Reply(text=diff, prompt_tokens=100, completion_tokens=10)


@pytest.mark.docker
def test_eight_tasks_at_concurrency_four_do_not_see_each_others_files(world: World) -> None:
    four = threading.Barrier(4, timeout=100)  # broken, and so an error of the model's, unless four ask at once

    def together(body: dict[str, Any]) -> Reply:
        four.wait()
        return numbered(body)

    world.script = together
    world.configure(concurrency=4)
    ids = [world.add(f"write task-{number}.txt please") for number in range(8)]

    world.ok("run", "--until-idle", timeout=170)

    tasks = [world.show(task) for task in ids]
    assert [task["status"] for task in tasks] == ["completed"] * 8
    for number, task in enumerate(tasks):
        changed = git("diff", "--name-only", "main", task["head_sha"], cwd=world.bare).split()
        assert changed == [f"task-{number}.txt"]
        assert world.file_at(task["head_sha"], f"task-{number}.txt") == f"task-{number}.txt saw []"
    assert len(world.github.prs) == 8
    assert {task["usage"]["total_tokens"] for task in tasks} == {110}


def test_a_local_repository_gets_the_branch_and_no_pull_request(local_world: World, tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "mine", {"calc.py": "def add(a, b):\n    return a - b\n"})

    task = local_world.settle(repo=str(repo))

    assert (task["status"], task["pr_url"]) == ("completed", None)
    assert branch_sha(repo, f"pj/{task['id']}") == task["head_sha"]
    assert git("status", "--porcelain", cwd=repo) == ""


def test_an_open_pull_request_of_the_branch_is_adopted(local_world: World) -> None:
    local_world.github.lose_answer("pulls/create")

    task = local_world.settle()

    assert_delivered(local_world, task)
    assert len(local_world.github.called("pulls/create")) == 1


def test_another_base_is_the_base_of_commit_and_pull_request(local_world: World) -> None:
    git("branch", "release", "main", cwd=local_world.bare)

    task = local_world.settle("add() must add", "--base", "release")

    assert (task["status"], task["base"]) == ("completed", "release")
    assert local_world.github.prs[0].base == "release"


def test_an_answer_that_does_not_apply_is_repaired_in_the_next_round(local_world: World) -> None:
    replies = iter([Reply(text=FIX.replace("a - b", "a * b")), Reply(text=FIX)])
    local_world.script = lambda _: next(replies)

    task = local_world.settle()

    assert task["status"] == "completed"
    assert len(local_world.model.completions) == 2
    assert "a * b" in local_world.model.completions[1].prompt


def test_diff_prints_exactly_what_git_applies(local_world: World, tmp_path: Path) -> None:
    task = local_world.settle()
    clone = tmp_path / "clone"
    git("clone", "-q", str(local_world.bare), str(clone))
    (tmp_path / "patch").write_text(local_world.ok("diff", task["id"]).out)

    git("apply", str(tmp_path / "patch"), cwd=clone)

    assert (clone / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"


def test_secrets_appear_nowhere(local_world: World) -> None:
    """A model that repeats the key, and a user who pastes it into the prompt."""
    local_world.script = lambda _: Reply(text=f"Authorization: {KEY} {TOKEN}\n" + FIX.replace("a - b", "a * b"))
    local_world.configure(model__repair_rounds=1)
    task = local_world.settle(f"add() must add; key {KEY}", "--title", f"with {TOKEN}")
    local_world.script = lambda _: fix()
    local_world.settle(f"add() must add; key {KEY}")

    places = {str(path): path.read_bytes() for path in local_world.home.rglob("*") if path.is_file()}
    places |= {" ".join(args): local_world.ok(*args).out.encode() for args in
               (("show", task["id"]), ("logs", task["id"]), ("list", "--json"))}  # fmt: skip
    places |= {f"request {number}": call.prompt.encode() for number, call in enumerate(local_world.model.completions)}
    [request] = local_world.github.prs
    places["pull request"] = f"{request.title}\n{request.body}".encode()
    places["commit"] = git("log", "-1", "--format=%B%an%ae", request.head, cwd=local_world.bare).encode()
    assert [place for place, data in places.items() if KEY.encode() in data or TOKEN.encode() in data] == []


def test_a_change_in_which_a_secret_was_masked_is_not_delivered_unseen(local_world: World) -> None:
    local_world.script = lambda _: Reply(text=FIX.replace("return a + b", f"return a + b  # {KEY}"))

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("needs_review", "policy"), task["error"]
    assert "***" in local_world.ok("diff", task["id"]).out
    assert local_world.branch(task["id"]) is None
    assert not any(KEY.encode() in path.read_bytes() for path in local_world.home.rglob("*") if path.is_file())


def test_the_repositorys_instructions_reach_the_model(local_world: World) -> None:
    clone = local_world.root / "clone"
    git("clone", "-q", str(local_world.bare), str(clone))
    commit_files(clone, {"AGENTS.md": "Always write tests in pytest style, said the canary.\n"})
    git("push", "-q", "origin", "main", cwd=clone)

    local_world.settle()

    assert "said the canary" in local_world.model.completions[0].prompt
    assert "return a - b" in local_world.model.completions[0].prompt


def test_no_secret_is_on_a_command_line_during_the_push(local_world: World) -> None:
    gate = local_world.git_server.hold(PUSH)
    task = local_world.add()
    with local_world.popen("run", "--until-idle") as runner:
        try:
            assert gate.reached.wait(60)
            arguments = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        finally:
            gate.release()
            runner.communicate(timeout=100)

    assert "push" in arguments
    assert not [line for line in arguments.splitlines() if KEY in line or TOKEN in line]
    assert local_world.show(task)["status"] == "completed"


def test_the_slug_is_what_was_asked_for(local_world: World) -> None:
    task = local_world.settle()

    assert (task["repo"], task["base"], task["provider"], task["model"]) == (SLUG, "main", "openai", "gpt-4o")
