"""One table: what goes wrong → status, error code, exit code, what to do next. Nothing is left, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.world import FIX, TOKEN, World, fix
from tests.fakes.git_http import FETCH, PUSH, Right
from tests.fakes.model_replies import (
    Reply,
    context_exceeded,
    cut,
    hang,
    nonsense,
    out_of_quota,
    rate_limited,
    server_error,
    unauthorized,
)
from tests.fakes.small_disk import fill, full, small_disk
from tests.support import git

WORKFLOW = "```diff\n--- /dev/null\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+on: push\n```\n"
UNCHANGED = "```diff\n--- a/calc.py\n+++ b/calc.py\n@@ -1,2 +1,2 @@\n def add(a, b):\n     return a - b\n```\n"
CLAUDE = ("--provider", "anthropic", "--model", "claude-sonnet-5-5")
Fault = Callable[[World], None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault. `wait`: exit code of `pithy-local wait`; `hint`: what the hint names; `prs`: how many in the end."""

    id: str
    fault: Fault
    status: str
    code: str | None
    wait: int = 1
    hint: str = ""
    prs: int = 0
    args: tuple[str, ...] = ()


def says(*replies: Reply) -> Fault:
    """The model answers so, the last for ever."""

    def act(world: World) -> None:
        left = list(replies)
        world.script = lambda _: left.pop(0) if len(left) > 1 else left[0]

    return act


def then(reply: Reply) -> Fault:
    """The model answers so once, and well afterwards."""
    return says(reply, fix())


def github(operation: str, status: int, message: str, times: int = 1, **headers: str) -> Fault:
    def act(world: World) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        world.github.fail_next(operation, status, {"message": message}, headers=named, times=times)

    return act


def lose_the_answer_to_the_pull_request(world: World) -> None:
    world.github.lose_answer("pulls/create")


def lose_the_answer_to_the_push(world: World) -> None:
    world.git_server.lose_answer(PUSH)


def refuse_pushes(world: World) -> None:
    hook = world.bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'branch rules say no' >&2\nexit 1\n")
    hook.chmod(0o755)


def take_the_right_to_push(world: World) -> None:
    world.git_server.add_token(TOKEN, Right.READ)


def break_fetches_once(world: World) -> None:
    world.git_server.fail_next(FETCH, 502)


def break_pushes_once(world: World) -> None:
    world.git_server.fail_next(PUSH, 502)


def remove_the_repository(world: World) -> None:
    world.bare.rename(world.bare.with_name("gone.git"))


def empty_the_repository(world: World) -> None:
    git("update-ref", "-d", "refs/heads/main", cwd=world.bare)


def write_to_the_tasks_branch(world: World) -> None:
    task = world.ok("list", "--json", "--all").json[0]["id"]
    other = git("commit-tree", "main^{tree}", "-m", "other", cwd=world.bare)
    git("update-ref", f"refs/heads/pj/{task}", other, cwd=world.bare)


RETRY = "pithy-local retry"
TABLE = [
    # the model's service
    Row(id="model 401", fault=says(unauthorized()), status="failed", code="llm_auth", hint="pithy-local doctor"),
    Row(id="model 429, Retry-After", fault=then(rate_limited(1)), status="completed", code=None, wait=0, prs=1),
    Row(id="model out of quota", fault=says(out_of_quota()), status="failed", code="llm_rate_limit", hint=RETRY),
    Row(id="model 500", fault=says(server_error()), status="failed", code="llm_service", hint="model.fallback"),
    Row(id="model context", fault=says(context_exceeded()), status="failed", code="llm_service", hint=RETRY),
    Row(id="claude overloaded", fault=says(server_error(529)), status="failed", code="llm_service", hint=RETRY,
        args=CLAUDE),
    Row(id="claude 401", fault=says(unauthorized()), status="failed", code="llm_auth", hint="ANTHROPIC_API_KEY",
        args=CLAUDE),
    Row(id="model hangs", fault=says(hang()), status="failed", code="llm_timeout", hint="model.timeout"),
    Row(id="model cut", fault=says(cut()), status="failed", code="llm_service", hint=RETRY),
    Row(id="model nonsense", fault=says(nonsense()), status="failed", code="llm_service", hint=RETRY),
    # the model's answer
    Row(id="truncated", fault=says(Reply(text=FIX, finish_reason="length")), status="needs_review",
        code="patch_malformed", hint="--feedback"),
    Row(id="talk", fault=says(Reply(text="I would rather talk about it.")), status="needs_review",
        code="patch_malformed", hint="--feedback"),
    Row(id="does not apply", fault=says(Reply(text=FIX.replace("a - b", "a * b"))), status="needs_review",
        code="patch_rejected", hint="--feedback"),
    Row(id="protected path", fault=says(Reply(text=WORKFLOW)), status="needs_review", code="policy",
        hint="pithy-local accept"),
    Row(id="question", fault=says(Reply(text="QUESTION: which one?")), status="needs_clarification",
        code="clarification", hint="pithy-local answer"),
    # GitHub
    Row(id="github 401", fault=github("pulls/create", 401, "Bad credentials"), status="failed", code="github_auth",
        hint="GITHUB_TOKEN"),
    Row(id="github 403", fault=github("pulls/create", 403, "Resource not accessible"), status="failed",
        code="github_auth", hint="GITHUB_TOKEN"),
    Row(id="github 404", fault=github("pulls/create", 404, "Not Found"), status="failed", code="repo_unreachable",
        hint="GITHUB_TOKEN"),
    Row(id="github 422", fault=github("pulls/create", 422, "Validation Failed"), status="failed", code="github_error",
        hint=RETRY),
    Row(id="github 429", fault=github("pulls/create", 429, "slow down", times=9, retry_after="3600"), status="failed",
        code="github_rate_limit", hint=RETRY),
    Row(id="github 500 twice", fault=github("pulls/create", 500, "Server Error", times=2), status="completed",
        code=None, wait=0, prs=1),
    Row(id="github 500 for long", fault=github("pulls/create", 500, "Server Error", times=9), status="failed",
        code="github_error", hint=RETRY),
    Row(id="github answer lost", fault=lose_the_answer_to_the_pull_request, status="completed", code=None, wait=0,
        prs=1),
    # git
    Row(id="push refused", fault=refuse_pushes, status="failed", code="push_rejected", hint=RETRY),
    Row(id="no right to push", fault=take_the_right_to_push, status="failed", code="push_rejected", hint=RETRY),
    Row(id="push 502 once", fault=break_pushes_once, status="completed", code=None, wait=0, prs=1),
    Row(id="push answer lost", fault=lose_the_answer_to_the_push, status="completed", code=None, wait=0, prs=1),
    Row(id="fetch 502 once", fault=break_fetches_once, status="completed", code=None, wait=0, prs=1),
    Row(id="repository gone", fault=remove_the_repository, status="failed", code="repo_unreachable",
        hint="pithy-local doctor"),
    Row(id="repository empty", fault=empty_the_repository, status="failed", code="repo_analysis", hint="Commit"),
    Row(id="somebody else's branch", fault=write_to_the_tasks_branch, status="failed", code="branch_conflict",
        hint=RETRY),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_a_fault_has_its_status_code_exit_and_hint(local_world: World, row: Row) -> None:
    local_world.configure(model__timeout="9s", model__repair_rounds=0)
    task = local_world.add("add() must add", *row.args)
    row.fault(local_world)

    local_world.ok("run", "--until-idle")

    shown = local_world.show(task)
    error = shown["error"]
    assert (shown["status"], error and error["code"]) == (row.status, row.code), error
    assert local_world.run("wait", task).code == row.wait
    if error:
        assert error["message"]
        assert row.hint in error["hint"]
        assert "ID" not in error["hint"].split()
        assert TOKEN not in str(shown)
    assert len(local_world.github.prs) == row.prs
    if row.status == "completed":
        assert local_world.branch(task) == shown["head_sha"]


def test_githubs_words_are_kept(local_world: World) -> None:
    local_world.github.fail_next("pulls/create", 403, {"message": "Resource not accessible by personal access token"})

    detail = local_world.settle()["error"]["detail"]

    assert detail["http_status"] == 403
    assert "not accessible" in detail["message"]


@pytest.fixture
def small_home(local_world: World) -> Iterator[World]:
    """The home is a file system of 8 MB."""
    with small_disk(local_world.home):
        yield local_world


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_full_disk_fails_the_task_and_loses_nothing(small_home: World) -> None:
    task = small_home.add()
    filler = small_home.home / "filler"

    filled = threading.Event()

    def answer(_: object) -> Reply:
        fill(filler)
        filled.set()
        return fix()

    small_home.script = answer
    with small_home.popen("run", "--until-idle") as runner:
        try:
            assert filled.wait(60)
            runner.wait(60)
        except subprocess.TimeoutExpired:
            pass  # it waits for room to write down how the attempt ended
        finally:
            filler.unlink(missing_ok=True)
        _, err = runner.communicate(timeout=100)

    shown = small_home.show(task)
    assert (runner.returncode, "Traceback" in err) == (0, False), err
    assert (shown["status"], shown["error"]["code"]) == ("failed", "disk_full"), shown["error"]
    assert "pithy-local retry" in shown["error"]["hint"]
    small_home.script = lambda _: fix()
    small_home.ok("retry", task)
    small_home.ok("run", "--until-idle")
    assert small_home.show(task)["status"] == "completed"
    assert [line["seq"] for line in small_home.log(task)] == list(range(1, len(small_home.log(task)) + 1))


def test_a_disk_without_room_refuses_a_new_task_with_exit_3(small_home: World, tmp_path: Path) -> None:
    small_home.ok("list")
    with full(small_home.home):
        ran = small_home.run("add", "x" * 50_000, "--repo", "acme/api")

    assert (ran.code, "hint: " in ran.err, "Traceback" in ran.err) == (3, True, False), ran.err
