"""The built-in agent through the whole product: files, cut answers, syntax errors, and what is kept of it all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.world import FIX, KEY, World, fix
from tests.fakes.model_replies import Reply
from tests.support import branch_sha, commit_files, git

MISFIT = FIX.replace("a - b", "a * b")
UNPARSABLE = FIX.replace("+    return a + b", "+    return (a + b")
APP = "function add(a, b) {\n  return a - b;\n}\n"
APP_FIX = (
    "```diff\n--- a/app.js\n+++ b/app.js\n@@ -1,3 +1,3 @@\n function add(a, b) {\n-  return a - b;\n"
    "+  return a + b;\n }\n```\n"
)
APP_UNPARSABLE = APP_FIX.replace("+  return a + b", "+  return (a + b")


def says(world: World, *replies: str | Reply) -> None:
    """Let the model answer this, in order."""
    left = iter([Reply(text=reply) if isinstance(reply, str) else reply for reply in replies])
    world.script = lambda _: next(left)


def replies_of(world: World, task: dict[str, Any], attempt: int = 1) -> list[dict[str, Any]]:
    file = world.home / "artifacts" / task["id"] / str(attempt) / "replies.json"
    kept: list[dict[str, Any]] = json.loads(file.read_text())
    return kept


def add_javascript(world: World) -> None:
    commit_files(world.root / "origin", {"app.js": APP})
    git("push", "-q", str(world.bare), "main", cwd=world.root / "origin")


def test_a_broken_answer_is_mended_and_both_are_kept(local_world: World) -> None:
    says(local_world, MISFIT, fix())

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    kept = replies_of(local_world, task)
    assert [(reply["round"], reply["text"]) for reply in kept] == [(1, MISFIT), (2, FIX)]
    assert {(reply["provider"], reply["model"]) for reply in kept} == {("openai", "gpt-4o")}
    assert local_world.file_at(task["head_sha"], "calc.py") == "def add(a, b):\n    return a + b"


def test_two_broken_answers_need_review_and_both_are_shown_with_their_reasons(local_world: World) -> None:
    local_world.configure(model__repair_rounds=1)
    says(local_world, MISFIT, MISFIT.replace("a * b", "a / b"))

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("needs_review", "patch_rejected")
    first, second = task["error"]["detail"]["rejected"]
    assert "a * b" in (local_world.home / first["path"]).read_text()
    assert "a / b" in (local_world.home / second["path"]).read_text()
    assert "calc.py" in first["reason"]
    told = local_world.run("diff", task["id"])
    assert told.code == 8
    for entry in (first, second):
        assert str(local_world.home / entry["path"]) in told.err
        assert entry["reason"].splitlines()[0] in told.err
    assert local_world.branch(task["id"]) is None


def test_a_cut_answer_is_gone_on_with_and_delivered(local_world: World) -> None:
    cut = FIX.index("a + b")
    says(local_world, Reply(text=FIX[:cut], finish_reason="length"), FIX[FIX.index("--- a/calc") :])

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    assert local_world.file_at(task["head_sha"], "calc.py") == "def add(a, b):\n    return a + b"
    assert [reply["finish_reason"] for reply in replies_of(local_world, task)] == ["length", "stop"]


def test_a_cut_answer_without_its_rest_is_never_applied(local_world: World) -> None:
    local_world.configure(model__repair_rounds=0)
    says(local_world, Reply(text=FIX[:-5], finish_reason="length"), "Sorry, where was I?")

    task = local_world.settle()

    assert (task["status"], task["error"]["code"], task["patch"]) == ("needs_review", "patch_malformed", None)


def test_the_model_sees_the_files_that_it_asks_for(local_world: World) -> None:
    commit_files(local_world.root / "origin", {"lib/limits.py": "LIMIT = 1\n" * 3_000, "lib/z.py": "y = 'zebra'\n"})
    big = {f"src/m{number}.py": f"# add add add {number}\n" * 400 for number in range(20)}
    commit_files(local_world.root / "origin", big)
    git("push", "-q", str(local_world.bare), "main", cwd=local_world.root / "origin")
    says(local_world, "NEED: lib/z.py", fix())

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    first, second = local_world.model.completions
    assert "zebra" not in first.prompt
    assert "zebra" in second.prompt
    assert any("showing 1 of 1 files" in line["text"] for line in local_world.log(task["id"]))


@pytest.mark.parametrize(
    ("broken", "whole"), [(UNPARSABLE, FIX), (APP_UNPARSABLE, APP_FIX)], ids=["python", "javascript"]
)
def test_a_new_syntax_error_is_mended(local_world: World, broken: str, whole: str) -> None:
    add_javascript(local_world)
    says(local_world, broken, whole)

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    assert "not valid any more" in local_world.model.completions[1].prompt


@pytest.mark.parametrize(
    ("broken", "path", "line"),
    [(UNPARSABLE, "calc.py", "+    return (a + b"), (APP_UNPARSABLE, "app.js", "+  return (a + b;")],
    ids=["python", "javascript"],
)
def test_a_syntax_error_that_stays_waits_for_a_person(local_world: World, broken: str, path: str, line: str) -> None:
    add_javascript(local_world)
    local_world.configure(model__repair_rounds=1)
    says(local_world, broken, broken)

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("needs_review", "syntax")
    assert task["error"]["message"].startswith(f"{path}:2:")
    assert line in local_world.ok("diff", task["id"]).out
    assert (local_world.branch(task["id"]), local_world.github.prs) == (None, [])

    local_world.ok("accept", task["id"])

    assert local_world.show(task["id"])["status"] == "completed"
    assert branch_sha(local_world.bare, f"pj/{task['id']}") is not None


@pytest.mark.docker
def test_the_sandbox_image_knows_javascript(world: World) -> None:
    add_javascript(world)
    world.configure(model__repair_rounds=1)
    says(world, APP_UNPARSABLE, APP_UNPARSABLE)

    task = world.settle()

    assert (task["status"], task["error"]["code"]) == ("needs_review", "syntax")
    assert task["error"]["message"].startswith("app.js:2:")


def test_what_no_longer_parses_is_judged_by_policy_all_the_same(local_world: World) -> None:
    local_world.configure(model__repair_rounds=0)
    workflow = "--- /dev/null\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+on: push\n```\n"
    says(local_world, UNPARSABLE.removesuffix("```\n") + workflow)

    task = local_world.settle()

    assert (task["status"], task["error"]["code"]) == ("needs_review", "policy")
    assert "+    return (a + b" in local_world.ok("diff", task["id"]).out


def test_a_secret_in_a_reply_is_not_kept(local_world: World) -> None:
    says(local_world, f"The key is {KEY}.\n{FIX}")

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    (reply,) = replies_of(local_world, task)
    assert reply["text"] == f"The key is ***.\n{FIX}"


def test_recorded_replies_are_a_script(local_world: World) -> None:
    cut = FIX.index("a + b")
    says(local_world, MISFIT, Reply(text=FIX[:cut], finish_reason="length"), FIX)
    task = local_world.settle()
    calls = len(local_world.model.completions)
    recorded = local_world.home / "artifacts" / task["id"] / "1" / "replies.json"

    local_world.configure(model__provider="scripted", model__scripted__file=str(recorded))
    again = local_world.settle()

    assert (again["status"], again["provider"]) == ("completed", "scripted")
    assert local_world.file_at(again["head_sha"], "calc.py") == local_world.file_at(task["head_sha"], "calc.py")
    assert len(local_world.model.completions) == calls
