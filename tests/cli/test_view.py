"""`list` and `show` on a terminal, in a pipe and as JSON."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pithy_local.cli.page import page
from pithy_local.cli.render import Screen
from pithy_local.models import Patch, Status, TaskError, Verified
from pithy_local.store.settled import Settled
from tests.cli.support import Cli
from tests.seeding import claim, enqueue, settle

TASK_KEYS = {
    "id", "title", "prompt", "repo", "base", "status", "phase", "executor", "provider", "model", "priority", "after",
    "branch", "base_sha", "head_sha", "pr_url", "pr_number", "error", "question", "attempts", "patch", "usage",
    "verify", "created_at", "started_at", "finished_at",
}  # fmt: skip
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\u202egpj.exe"


def test_list_in_a_pipe_is_tsv_without_a_header(cli: Cli) -> None:
    task = cli.seed(title="Fix\tthe tab")
    (line,) = cli("list").out.splitlines()
    fields = line.split("\t")
    assert fields[:4] == [task.id, "queued", "docker", "acme/api"]
    assert fields[5:7] == [f"pj/{task.id}", ""]
    assert re.fullmatch(ISO, fields[7])
    assert fields[8] == ""


def test_list_shows_the_newest_first(cli: Cli) -> None:
    first, second = cli.seed(), cli.seed()
    assert [line.split("\t")[0] for line in cli("ls").out.splitlines()] == [second.id, first.id]


def test_list_shows_thirty_unless_told_otherwise(cli: Cli) -> None:
    for _ in range(32):
        cli.seed()
    assert [len(cli("list", *args).out.splitlines()) for args in ((), ("--all",), ("--limit", "3"))] == [30, 32, 3]


def test_list_keeps_to_a_status_and_a_repository(cli: Cli) -> None:
    cli.seed_settled(Status.FAILED, error=TaskError(code="timeout", message="too long", hint=""))
    other = cli.seed(repo="acme/web")
    assert cli("list", "--status", "queued", "--status", "running").out.split("\t")[0] == other.id
    assert cli("list", "--repo", "acme/web", "--json").json()[0]["id"] == other.id
    assert cli("list", "--repo", "acme/none").out == ""


def test_list_finds_a_local_repository_by_a_relative_path(cli: Cli, tmp_path: Path) -> None:
    task = cli.seed(repo=str(tmp_path / "repo"))
    for name in ("repo", "./repo", str(tmp_path / "x/../repo")):
        assert cli("list", "--repo", name, cwd=tmp_path).out.split("\t")[0] == task.id


@pytest.mark.parametrize("name", ["acme/api", "https://github.com/acme/api", "https://github.com/acme/api.git/"])
def test_list_finds_a_repository_by_every_name_that_add_takes(cli: Cli, name: str) -> None:
    task = cli.seed(repo="acme/api")
    found = cli("list", "--repo", name, env={"GITHUB_API_URL": "https://api.github.com"})
    assert found.out.split("\t")[0] == task.id


def test_list_as_json_is_an_array_of_task_objects(cli: Cli) -> None:
    cli.seed()
    (task,) = cli("list", "--json").json()
    assert task.keys() == TASK_KEYS


def test_list_on_a_terminal_has_a_header_a_glyph_and_a_word(cli: Cli) -> None:
    cli.seed(executor="local", title="日本語 " * 30)
    done = cli.on_terminal("list", columns=80, env={"NO_COLOR": "1"})
    header, row = done.out.splitlines()
    assert header.split()[:3] == ["STATUS", "ID", "REPO"]
    assert row.startswith("○ queued")
    assert "UNISOLATED" in row
    assert "\x1b" not in done.out


def test_list_on_a_terminal_is_coloured(cli: Cli) -> None:
    cli.seed()
    assert "\x1b[" in cli.on_terminal("list").out


def test_an_empty_list_says_what_to_do_on_a_terminal(cli: Cli) -> None:
    done = cli.on_terminal("list")
    assert "pithy-local add" in done.err
    assert cli("list").err == ""


def test_hostile_text_never_reaches_the_terminal(cli: Cli) -> None:
    task = cli.seed(title=HOSTILE, prompt=HOSTILE)
    shown = (
        cli.on_terminal("list", env={"NO_COLOR": "1"}).out + cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    )
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\u202e" not in cli("show", task.id, "--json").out


def test_show_as_json_is_the_task_object(cli: Cli) -> None:
    task = cli.seed()
    shown = cli("show", task.id, "--json").json()
    assert shown == task.to_json()


def test_show_takes_a_unique_prefix(cli: Cli) -> None:
    task = cli.seed()
    assert cli("show", task.id[:6], "--json").json()["id"] == task.id


def test_show_in_a_pipe_is_one_field_a_line(cli: Cli) -> None:
    error = TaskError(code="timeout", message="killed after 10m", hint="Give it more time.")
    task = cli.seed_settled(Status.FAILED, error=error)
    fields = dict(line.split("\t") for line in cli("show", task.id).out.splitlines())
    assert fields["status"] == "failed"
    assert fields["error.code"] == "timeout"
    assert fields["usage.total_tokens"] == "0"


def test_show_on_a_terminal_says_what_went_wrong_and_what_to_do(cli: Cli) -> None:
    error = TaskError(code="timeout", message="killed after 10m", hint="Give it more time.", detail={"seconds": 600})
    task = cli.seed_settled(Status.FAILED, error=error, prompt="Fix it\nsoon")
    shown = cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    assert shown.startswith(f"✗ failed  {task.id}  Fix it\n")
    assert "timeout: killed after 10m\nhint: Give it more time.\n  seconds: 600\n" in shown
    assert shown.endswith("\n  Fix it\n  soon\n")


def test_an_unknown_id_is_exit_5(cli: Cli) -> None:
    done = cli("show", "zzzz", "--json")
    assert done.code == 5
    assert done.error["code"] == "no_such_task"


def test_a_prefix_that_fits_two_tasks_is_exit_2(cli: Cli) -> None:
    first, second = cli.seed(), cli.seed()
    shared = "".join(a for a, b in zip(first.id, second.id, strict=True) if a == b)[:4]
    done = cli("show", shared)
    assert done.code == 2
    assert first.id in done.err
    assert second.id in done.err
    assert done.error_lines[1].startswith("hint: ")


def test_list_fits_a_terminal_of_80_columns(cli: Cli) -> None:
    cli.seed(repo="https://git.example.org/" + "long/" * 20, title="words " * 12, executor="local")
    cli.seed_settled(Status.NEEDS_REVIEW, error=TaskError(code="policy", message="no", hint=""), repo="a/" + "b" * 90)
    shown = cli.on_terminal("list", columns=80, env={"NO_COLOR": "1"}).out.splitlines()
    assert len(shown) == 3
    assert max(map(len, shown)) <= 80


def test_what_is_known_of_an_error_is_shown_line_by_line(cli: Cli) -> None:
    detail = {"http_status": 401, "hosts": [{"name": "a", "port": 1}, {"name": "b\nc", "port": 2}]}
    error = TaskError(code="github_auth", message="no", hint="", detail=detail)
    task = cli.seed_settled(Status.FAILED, error=error)
    shown = cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    assert "\n  http_status: 401\n  hosts: name a, port 1\n  hosts: port 2\n" in shown
    assert "\n    name:\n      b\n      c\n" in shown


def test_what_a_verify_command_wrote_is_a_block_of_its_last_lines(cli: Cli) -> None:
    output = "".join(f"line {number}\n" for number in range(1, 41)) + HOSTILE
    broken = {"command": "make check", "base_exit": 0, "patch_exit": 2, "output": output}
    error = TaskError(code="verify_failed", message="broken", hint="", detail={"verify": [broken]})
    task = cli.seed_settled(Status.NEEDS_REVIEW, error=error)
    shown = cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    lines = shown.splitlines()
    start = lines.index("  verify: command make check, base_exit 0, patch_exit 2")
    assert lines[start + 1 : start + 4] == ["    output:", "      … 21 lines before", "      line 22"]
    assert lines[start + 21] == "      line 40"
    assert lines[start + 22].startswith("      ")
    assert lines[start + 23] == ""
    assert "\x1b" not in shown


def test_details_in_details_are_shown_deeper(cli: Cli) -> None:
    detail = {"git": "one\ntwo\n", "seen": {"url": None, "names": ["a", "b"]}, "empty": []}
    error = TaskError(code="internal", message="x", hint="", detail=detail)
    shown = cli.on_terminal(
        "show", cli.seed_settled(Status.FAILED, error=error).id, env={"NO_COLOR": "1"}
    ).out  # fmt: skip
    assert "\n  git:\n    one\n    two\n  seen: names a, b\n\n" in shown


def test_mended_hunks_are_pointed_at(cli: Cli) -> None:
    patch = Patch(path="artifacts/a/1/patch.diff", bytes=120, files=1, added=2, removed=1, mended=2)
    task = replace(cli.seed(), patch=patch)
    lines = list(page(task, [], "", task.created_at, Screen(tty=True, colour=False, width=100)))
    assert "+2 −1 in 1 file, 120 B, 2 hunks mended: look at the change" in "\n".join(lines)


def test_refused_answers_are_shown_with_their_reports(cli: Cli) -> None:
    reason = "calc.py: hunk 1 of 2: it fits nowhere\n  the file really has:\n    1 | x\x1b[31m"
    refused = {"round": 1, "code": "patch_rejected", "reason": reason, "path": "artifacts/a/1/rejected-1.diff"}
    error = TaskError(code="patch_rejected", message="no", hint="", detail={"rejected": [refused]})
    task = cli.seed_settled(Status.NEEDS_REVIEW, error=error)
    told = (
        "answer 1 was refused [patch_rejected], kept in artifacts/a/1/rejected-1.diff:\n"
        "  calc.py: hunk 1 of 2: it fits nowhere\n    the file really has:\n      1 | x\n"
    )
    assert told in cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    assert told in cli("diff", task.id).err


def test_a_running_task_that_is_asked_to_stop_says_so(cli: Cli) -> None:
    task = cli.seed()
    with closing(cli.store()) as store:
        claim(store, task)
    assert "● running agent  " in cli.on_terminal("list", env={"NO_COLOR": "1"}).out
    assert "● running cancelling  " in cli.on_terminal("cancel", task.id, env={"NO_COLOR": "1"}).out


EVIDENCE = (
    Verified(command="pytest -q", base_exit=1, patch_exit=0, seconds=2.13),
    Verified(command="make check", base_exit=0, patch_exit=2, seconds=61.0),
    Verified(command="slow", base_exit=124, patch_exit=None),
)


def test_show_has_the_evidence_of_the_verify_commands(cli: Cli) -> None:
    task = cli.seed_settled(Status.NEEDS_REVIEW, diff=b"x", verify=EVIDENCE)
    shown = cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    rows = [re.split(r"  +", line.strip()) for line in shown.splitlines()]
    assert ["VERIFY", "ON BASE", "ON CHANGE", "TOOK"] in rows
    assert ["pytest -q", "failed (1)", "passed", "2.1s"] in rows
    assert ["make check", "passed", "failed (2)", "1m01s"] in rows
    assert ["slow", "timed out", "not run", "0.0s"] in rows


def test_the_evidence_in_a_pipe_and_as_json(cli: Cli) -> None:
    task = cli.seed_settled(Status.NEEDS_REVIEW, diff=b"x", verify=EVIDENCE)
    fields = dict(line.split("\t") for line in cli("show", task.id).out.splitlines())
    assert (fields["verify.1.command"], fields["verify.2.patch_exit"], fields["verify.3.patch_exit"]) == (
        "pytest -q", "2", "",
    )  # fmt: skip
    assert cli("show", task.id, "--json").json()["verify"][0] == {
        "command": "pytest -q", "base_exit": 1, "patch_exit": 0, "seconds": 2.1
    }  # fmt: skip


def test_show_has_the_question_and_how_to_answer_it(cli: Cli) -> None:
    question = f"Which one?\n- the first\n- {HOSTILE}"
    error = TaskError(code="clarification", message=question, hint="Answer it.")
    task = cli.seed_settled(Status.NEEDS_CLARIFICATION, error=error, question=question)
    shown = cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    assert "\nquestion: Which one?\n  - the first\n  - " in shown
    assert "\nhint: Answer it.\n" in shown
    assert shown.count("Which one?") == 1
    assert "\x1b" not in shown
    assert cli("show", task.id, "--json").json()["question"] == question


def test_show_has_what_was_asked_for(cli: Cli) -> None:
    task = cli.seed(publish="review", verify=("pytest -q", "make check"))
    rows = [line.split(maxsplit=1) for line in cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out.splitlines()]
    assert ["publish", "review"] in rows
    assert ["verify", "pytest -q; make check"] in rows


def test_show_has_every_attempt_and_what_was_said_between(cli: Cli) -> None:
    task = cli.seed_settled(Status.NEEDS_CLARIFICATION, question="Which?")
    with closing(cli.store()) as store:
        again = Settled(store).again(task.id, feedback="The second,\nplease")
        settle(store, again, Status.FAILED, delivering=True, error=TaskError(code="push_rejected", message="", hint=""))
        Settled(store).again(task.id, redeliver=True)
    shown = cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    rows = [re.split(r"  +", line.strip()) for line in shown.splitlines()]
    assert [row[:2] for row in rows if row[0] in {"1", "2", "3"}] == [
        ["1", "needs_clarification"], ["2", "failed push_rejected"], ["3", "queued, delivered as it was made"]
    ]  # fmt: skip
    assert "attempt 1 asked: Which?\n" in shown
    assert "attempt 2 was told: The second, ⏎ please\n" in shown


def test_a_running_task_that_nobody_works_says_so(cli: Cli) -> None:
    with closing(cli.store()) as store:
        task = claim(store, enqueue(store)).task
        worked = cli.on_terminal("list", env={"NO_COLOR": "1"}).out
        store.queue.write("UPDATE process SET pid = 2147483647")  # its owner is gone
    assert "● running agent " in worked
    assert "● running · no worker " in cli.on_terminal("list", env={"NO_COLOR": "1"}).out
    assert "for a worker: `pithy-local run`" in cli.on_terminal("show", task.id, env={"NO_COLOR": "1"}).out
    assert "`pithy-local run`" in cli("cancel", task.id).err
    assert "● running cancelling · no worker " in cli.on_terminal("list", env={"NO_COLOR": "1"}).out
