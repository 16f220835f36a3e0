"""`add`: where the prompt comes from, and numbers that nothing can hold."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from pithy_local.service.words import MAX_PROMPT_BYTES
from tests.cli.support import PROCESS_TIMEOUT, Cli
from tests.support import make_repo

HUGE = "9" * 30


@pytest.fixture
def repo(cli: Cli, tmp_path: Path) -> str:
    """A repository; tasks of the configured model do no work there."""
    replies = tmp_path / "replies.json"
    replies.write_text("[]")
    cli.config.write_text(f'executor = "local"\n[model]\nprovider = "scripted"\n[model.scripted]\nfile = "{replies}"\n')
    return str(make_repo(tmp_path / "repo", {"hello.txt": "hello\n"}))


def test_an_endless_prompt_is_refused(cli: Cli, repo: str) -> None:
    command = f"yes | {shlex.join(cli.argv('add', '-', '--repo', repo))}"
    done = subprocess.run(["sh", "-c", command], env=cli.env, capture_output=True, timeout=PROCESS_TIMEOUT, check=False)
    assert (done.returncode, b"200,000 bytes at most" in done.stderr) == (2, True)


def test_a_file_that_is_too_long_is_refused_and_never_cut(cli: Cli, repo: str, tmp_path: Path) -> None:
    file = tmp_path / "prompt.txt"
    file.write_bytes(b"Fix it" + b" " * MAX_PROMPT_BYTES + "…".encode() + b"and that")
    done = cli("add", "--file", str(file), "--repo", repo)
    assert (done.code, "the prompt must be text of 200,000 bytes at most" in done.error_lines[0]) == (2, True)
    assert cli("list").out == ""


def test_a_pipe_that_nobody_writes_to_is_an_empty_prompt(cli: Cli, repo: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = cli("add", "--file", str(tmp_path / "pipe"), "--repo", repo)
    assert (done.code, "the prompt is empty" in done.error_lines[0]) == (2, True)


def test_a_prompt_may_come_through_a_pipe_of_the_shells(cli: Cli, repo: str) -> None:
    shell = f"{shlex.join(cli.argv('add', '--repo', repo, '--file'))} <(sleep 0.2; echo Fix the test)"
    done = subprocess.run(
        ["bash", "-c", shell], env=cli.env, capture_output=True, text=True, timeout=PROCESS_TIMEOUT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert cli("show", done.stdout.strip(), "--json").json()["prompt"] == "Fix the test"


def test_a_folder_is_no_prompt(cli: Cli, repo: str) -> None:
    done = cli("add", "--file", repo, "--repo", repo)
    assert (done.code, "Is a directory" in done.error_lines[0]) == (2, True)


@pytest.mark.parametrize(
    "args",
    [
        ("add", "x", "--repo", "a/b", "--priority", HUGE), ("add", "x", "--repo", "a/b", "--priority", "-1000001"),
        ("add", "x", "--repo", "a/b", "--max-tokens", HUGE), ("add", "x", "--repo", "a/b", "--max-tokens", "0"),
        ("list", "--limit", HUGE), ("prune", "--yes", "--older-than", HUGE), ("prune", "--yes", "--older-than", "101y"),
        ("prune", "--yes", "--older-than", "36600d"), ("stats", "--since", HUGE), ("stats", "--since", "9" * 400),
        ("wait", "x", "--timeout", HUGE), ("logs", "x", "--lines", HUGE), ("logs", "x", "--since", HUGE),
        ("logs", "x", "--attempt", HUGE), ("diff", "x", "--attempt", HUGE),
    ],
    ids=lambda args: " ".join(args)[:40],
)  # fmt: skip
def test_a_number_beyond_all_measure_is_bad_input(cli: Cli, args: tuple[str, ...]) -> None:
    done = cli(*args)
    assert (done.code, done.error_lines[1].startswith("hint: ")) == (2, True)


def test_the_largest_numbers_are_taken(cli: Cli, repo: str) -> None:
    task = cli("add", "x", "--repo", repo, "--priority", "-1000000", "--max-tokens", "1000000000").out.strip()
    assert cli("show", task, "--json").json()["priority"] == -1_000_000
    assert cli("list", "--limit", "1000000000").out.startswith(task)
    assert cli("prune", "--yes", "--older-than", "36500d").code == 0
    assert cli("stats", "--since", "36500d").code == 0


def test_a_task_may_start_after_another_one_and_not_before_a_time(cli: Cli, repo: str) -> None:
    first = cli("add", "First", "--repo", repo).out.strip()
    second = cli("add", "Second", "--repo", repo, "--after", first, "--json").json()
    assert (second["after"], second["status"]) == (first, "queued")
    assert "waits\tuntil" not in cli("show", second["id"]).out, "a pipe gets the task object alone"
    third = cli("add", "Third", "--repo", repo, "--at", "+2h").out.strip()
    shown = cli.on_terminal("list", env={"NO_COLOR": "1"}).out.splitlines()
    assert [line.split("  ")[0] for line in shown[1:]] == [
        next(line.split("  ")[0] for line in shown if third in line), f"○ queued · after {first}", "○ queued"
    ]  # fmt: skip
    assert shown[1].startswith("○ queued · until ")


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("--at", "soon"), 2, "not a time to start at: 'soon'"), (("--after", "0000000000"), 5, "no task has the id"),
        (("--idempotency-key", "a\nb"), 2, "1 to 200 printable ASCII characters"),
    ],
)  # fmt: skip
def test_a_start_that_cannot_be_is_refused_with_a_hint(
    cli: Cli, repo: str, args: tuple[str, ...], code: int, said: str
) -> None:
    done = cli("add", "x", "--repo", repo, *args)
    assert (done.code, said in done.error_lines[0], done.error_lines[1].startswith("hint: ")) == (code, True, True)
    assert cli("list").out == ""


def test_the_same_key_prints_the_same_task(cli: Cli, repo: str) -> None:
    first = cli("add", "x", "--repo", repo, "--idempotency-key", "k1")
    again = cli("add", "x", "--repo", repo, "--idempotency-key", "k1")
    assert (again.code, again.out) == (0, first.out)
    assert again.err == f"nothing was added: task {first.out.strip()} has this idempotency key already\n"
    other = cli("add", "y", "--repo", repo, "--idempotency-key", "k1", "--json")
    assert (other.code, other.error["code"]) == (6, "refused")
