"""What is asked before something that cannot be undone, and what of a task can be copied."""

from __future__ import annotations

from pithy_local.models import Patch, Status, TaskError
from pithy_local.tui.models import verbs
from pithy_local.tui.screens.copying import line_text, of_log, things
from tests.tui.records import a_line, a_task

PATCH = Patch(path="p", bytes=9, files=1, added=2, removed=0)
HOSTILE = "\x1b[201~rm -rf ~\r\x1b]52;c;aGk=\x07safe"


def held(code: str, message: str) -> TaskError:
    return TaskError(code=code, message=message, hint="")


def test_a_question_about_many_says_what_it_means_for_each_kind_of_them() -> None:
    queued = [a_task(f"0dx000000{n}", status=Status.QUEUED, finished_at=None) for n in range(6)]
    running = a_task("0dx0000009", status=Status.RUNNING, finished_at=None)
    asked = verbs.question("cancel", [*queued, running, a_task("0dxdone000")])
    assert asked.title == "Cancel 7 tasks?"
    assert "6 queued: Nothing has started" in asked.what_happens
    assert "1 running: The attempt is stopped and the sandbox removed." in asked.what_happens
    assert asked.what_happens.endswith("these are left as they are: 1 done.")


def test_a_question_about_many_changes_says_it_once() -> None:
    tasks = [a_task(f"0dx00000{n:02}", status=Status.NEEDS_REVIEW, patch=PATCH) for n in range(10)]
    tasks.append(a_task(status=Status.NEEDS_REVIEW, patch=PATCH, error=held("protected_paths", "x" * 3_000)))
    asked = verbs.question("accept", tasks)
    assert asked.what_happens.count("Pushed to a branch of its own") == 2
    assert "1 review: " in asked.what_happens
    assert "Held back: protected_paths." in asked.what_happens
    assert len(asked.what_happens.splitlines()) <= verbs.LISTED + 4


def test_the_reason_is_cut_and_waiting_for_the_users_look_is_none() -> None:
    long = verbs.question("accept", [a_task(status=Status.NEEDS_REVIEW, patch=PATCH, error=held("x", "y" * 3_000))])
    assert "It was held back: yyy" in long.what_happens
    assert len(long.what_happens) < 600
    awaited = a_task(status=Status.NEEDS_REVIEW, patch=PATCH, error=held("awaiting_review", "look at it."))
    assert "held back" not in verbs.question("accept", [awaited]).what_happens


def test_no_sandbox_is_removed_where_there_is_none() -> None:
    asked = verbs.question("cancel", [a_task(status=Status.RUNNING, executor="local", finished_at=None)])
    assert "The attempt is stopped. The log is kept" in asked.what_happens


def test_what_is_copied_cannot_act_in_a_terminal() -> None:
    task = a_task(
        prompt=HOSTILE, branch=HOSTILE, pr_url=HOSTILE, head_sha="a" * 40, error=held("x", HOSTILE), patch=PATCH
    )
    found = {thing.name: thing.read() for thing in things(task, of_log(a_line(text=HOSTILE)), lambda: HOSTILE)}
    assert found.pop("diff") == HOSTILE
    assert found.keys() == {"id", "branch", "pr", "error", "line", "prompt", "git"}
    assert not any(char in text for text in found.values() for char in "\x1b\r\x07")


def test_a_line_is_copied_as_it_was_seen_last() -> None:
    assert line_text(a_line(text="10 %\r100 %\r")) == "100 %"


def test_of_marked_tasks_all_ids_are_copied() -> None:
    found = things(a_task(), (), lambda: "", ["0dx1", "0dx2"])
    assert found[0].read() == "0dx1\n0dx2"


def test_the_git_command_fetches_from_where_the_branch_is() -> None:
    def command(repo: str) -> str:
        return next(thing for thing in things(a_task(repo=repo, head_sha="a"), (), str) if thing.name == "git").read()

    assert command("acme/api").startswith("git fetch origin pj/")
    assert command("/home/me/my repo").startswith("git fetch '/home/me/my repo' pj/")
    assert "git" not in {thing.name for thing in things(a_task(), (), str)}
