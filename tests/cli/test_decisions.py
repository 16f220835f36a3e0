"""Decisions on the real product: what waits for a person goes on, or does not, as the person says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pithy_local.store.holds import Holds
from pithy_local.store.processes import Processes
from tests.cli.support import Cli
from tests.fakes.model import FakeModel
from tests.support import branch_sha, git, make_repo, wait_until

ANSWER = """Done.

```diff
--- a/hello.txt
+++ b/hello.txt
@@ -1 +1 @@
-hello
+hello world
```
"""
KEY = "sk-test-canary-key"

Start = Callable[..., str]
"""Queues a task with these flags and works it to its end; its id."""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo", {"hello.txt": "hello\n"})


@pytest.fixture
def model(cli: Cli) -> Iterator[FakeModel]:
    """A model server, whose replies the test pushes; the command line asks it."""
    with FakeModel([], key=KEY) as server:
        cli.config.write_text(
            f'executor = "local"\nallow_unisolated = true\n[model.openai]\nbase_url = "{server.base_url}"\n'
        )
        cli.env["OPENAI_API_KEY"] = KEY
        yield server


@pytest.fixture
def worked(cli: Cli, repo: Path) -> Start:
    """With a model whose one answer was written beforehand, unless `model` is asked for, too."""

    def start(*flags: str) -> str:
        done = cli("add", "Greet the world", "--repo", str(repo), "--wait", *flags)
        return done.out.strip()

    replies = cli.config.parent / "replies.json"
    replies.write_text(json.dumps([ANSWER]))
    if "model" not in cli.config.read_text():
        cli.config.write_text(
            f'executor = "local"\n[model]\nprovider = "scripted"\n[model.scripted]\nfile = "{replies}"\n'
        )
    return start


def delivered(repo: Path, task: str) -> str | None:
    """What stands in the file on the task's branch; None where there is no branch."""
    return git("show", f"pj/{task}:hello.txt", cwd=repo) if branch_sha(repo, f"pj/{task}") else None


def test_a_change_that_is_to_be_reviewed_is_delivered_when_it_is_accepted(cli: Cli, repo: Path, worked: Start) -> None:
    task = worked("--publish", "review")
    shown = cli("show", task, "--json").json()
    assert (shown["status"], shown["error"]["code"]) == ("needs_review", "awaiting_review")
    assert delivered(repo, task) is None
    assert "+hello world" in cli("diff", task).out

    done = cli("accept", task)

    assert (done.code, done.out.split("\t")[:2]) == (0, [task, "completed"])
    assert delivered(repo, task) == "hello world"


def test_a_rejected_change_is_never_delivered(cli: Cli, repo: Path, worked: Start) -> None:
    task = worked("--publish", "review")

    assert cli("reject", task).code == 0

    assert cli("run", "--until-idle").code == 0
    assert delivered(repo, task) is None


def test_an_accepted_change_is_delivered_by_the_worker_that_runs(cli: Cli, repo: Path, worked: Start) -> None:
    task = worked("--publish", "review")
    worker = cli.start("run")
    with closing(cli.store()) as store:
        wait_until(Processes(store).any_alive, what="a worker")

    accepted, waited = cli("accept", task), cli("wait", task, "--timeout", "90")

    worker.terminate()
    worker.communicate(timeout=100)
    assert (accepted.code, waited.code) == (0, 0), accepted.err + waited.out
    assert "the worker that runs delivers it" in accepted.err
    assert delivered(repo, task) == "hello world"


def test_what_could_not_be_pushed_is_pushed_later_for_no_token(
    cli: Cli, repo: Path, model: FakeModel, worked: Start
) -> None:
    model.push(ANSWER)
    git("branch", "pj", cwd=repo)  # no branch pj/… fits beside it
    task = worked()
    assert cli("show", task, "--json").json()["error"]["code"] == "push_rejected"
    git("branch", "-D", "pj", cwd=repo)

    done = cli("retry", task, "--wait", "--json")

    assert (done.code, done.json()["status"], done.json()["attempts"]) == (0, "completed", 2)
    assert delivered(repo, task) == "hello world"
    assert len(model.completions) == 1


def test_a_question_is_answered_and_the_model_sees_both(cli: Cli, repo: Path, model: FakeModel, worked: Start) -> None:
    model.push("QUESTION: Which world?", ANSWER)
    task = worked()
    asked = cli("show", task, "--json").json()
    assert (asked["status"], asked["question"]) == ("needs_clarification", "Which world?")

    done = cli("answer", task, "The whole one", "--wait")

    assert (done.code, done.out.split("\t")[:2]) == (0, [task, "completed"])
    assert "Which world?" in model.completions[-1].prompt
    assert "The whole one" in model.completions[-1].prompt


def test_feedback_reaches_the_model(cli: Cli, repo: Path, model: FakeModel, worked: Start) -> None:
    model.push(ANSWER, ANSWER.replace("+hello world", "+hello moon"))
    task = worked()

    assert cli("retry", task, "--feedback", "The moon, please", "--wait").code == 0

    assert "The moon, please" in model.completions[-1].prompt
    assert delivered(repo, task) == "hello moon"


def test_the_evidence_of_a_verify_command_is_shown(cli: Cli, repo: Path, worked: Start) -> None:
    task = worked("--verify", "grep -q world hello.txt", "--verify", "test -f hello.txt")

    evidence = cli("show", task, "--json").json()["verify"]

    assert [(each["command"], each["base_exit"], each["patch_exit"]) for each in evidence] == [
        ("grep -q world hello.txt", 1, 0), ("test -f hello.txt", 0, 0)
    ]  # fmt: skip


def test_a_task_that_is_waited_for_waits_for_a_rate_limit_too(cli: Cli, repo: Path, worked: Start) -> None:
    with closing(cli.store()) as store:
        Holds(store).close_gate("scripted", store.clock.now_ms() + 3_600_000)
        worker = cli.start("add", "Greet the world", "--repo", str(repo), "--wait")
        assert worker.stdout is not None
        assert worker.stderr is not None
        task = worker.stdout.readline().decode().strip()
        said = worker.stderr.readline().decode()
        store.queue.write("DELETE FROM gate")

    worker.communicate(timeout=100)

    assert re.fullmatch(rf"{task} waits until \d\d:\d\d: rate limit of scripted\n", said)
    assert (worker.returncode, delivered(repo, task)) == (0, "hello world")


def test_a_named_task_is_worked_although_the_queue_is_paused(cli: Cli, repo: Path, worked: Start) -> None:
    cli("pause")

    task = worked()

    assert delivered(repo, task) == "hello world"
