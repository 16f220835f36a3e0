"""Errors become one line, a hint and an exit code in one place."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path

import click
import pytest

from pithy_local.cli.exit_codes import BROKEN_PIPE, MOST_WORDS, report
from pithy_local.errors import ErrorCode, NoSuchTask, NotThereYet, PithyError, Refused, UsageError
from pithy_local.models import Status
from tests.cli.support import Cli

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no"), 2), (NoSuchTask("x"), 5), (Refused("no"), 6), (NotThereYet("no"), 8),
        (PithyError(ErrorCode.DOCKER_UNREACHABLE, "no"), 3), (PithyError(ErrorCode.GITHUB_AUTH, "no"), 4),
        (OSError(errno.ENOSPC, "No space left on device"), 3), (KeyboardInterrupt(), 130), (click.Abort(), 130),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), 3),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x"), 2),
        (click.UsageError("no"), 2), (ZeroDivisionError("no"), 1),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_each_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert report(error, as_json=False, verbose=False, env={}) == code


def test_a_file_that_may_not_be_used_is_no_bug(capsys: Capture) -> None:
    report(PermissionError(errno.EACCES, "Permission denied", "/x/y"), as_json=False, verbose=False, env={})
    assert capsys.readouterr().err == (
        "pithy-local: error: Permission denied: /x/y\nhint: Look at its owner and its mode, or name another one.\n"
    )


@pytest.mark.parametrize(
    "variables", [{"PITHY_CRASH": "nowhere"}, {"PITHY_CRASH": "pushed:often"}, {"PITHY_CRASH_LOG": "/none/log"}]
)  # fmt: skip
def test_a_crash_point_that_there_is_not_is_said_before_anything_is_done(cli: Cli, variables: dict[str, str]) -> None:
    done = cli("list", env=variables)
    assert (done.code, cli.home.root.exists()) == (2, False)
    assert done.error_lines[1] == "hint: PITHY_CRASH and PITHY_CRASH_LOG are for tests: unset them."


def test_a_current_directory_that_is_gone_is_said(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = cli("backup", "saved.tar")
    assert (done.code, done.error_lines[0]) == (2, "pithy-local: error: the current directory is gone")


def test_a_package_that_is_not_there_is_said_without_a_traceback(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text("raise ModuleNotFoundError(\"No module named 'msgspec'\")")
    done = cli("list", env={"PYTHONPATH": f"{tmp_path}:{cli.env['PYTHONPATH']}"})
    assert done.code == 1
    assert done.err == (
        "pithy-local: error: a part of this installation cannot be loaded: No module named 'msgspec'\n"
        "hint: Install pithy-local again, with all that it needs.\n"
    )


LONG = "x" * 5_000
SECRET = "sk-secret-" + "0123456789" * 5


@pytest.mark.parametrize(
    "args", [("backup", LONG), ("--config", LONG, "config", "path"),
             ("add", "x", "--unisolated", "--repo", f"./{LONG}")],
)  # fmt: skip
def test_a_name_that_is_too_long_is_bad_input(cli: Cli, args: tuple[str, ...]) -> None:
    done = cli(*args, env={"OPENAI_API_KEY": "sk-test-key"})
    assert (done.code, "File name too long" in done.err, "bug" in done.err) == (2, True, False)


def test_a_long_argument_is_not_quoted_whole_nor_a_secret_in_it_halved(capsys: Capture) -> None:
    for key in (SECRET, "x" * (MOST_WORDS - 30) + SECRET):
        report(NoSuchTask(key + LONG), as_json=False, verbose=False, env={"OPENAI_API_KEY": SECRET})
        said = capsys.readouterr().err.splitlines()[0]
        assert len(said) < MOST_WORDS + 100
        assert SECRET[:6] not in said


def test_an_error_is_one_line_and_a_hint(capsys: Capture) -> None:
    report(UsageError("first\nsecond", hint="Try\nagain."), as_json=False, verbose=False, env={})
    assert capsys.readouterr().err == "pithy-local: error: first ⏎ second\nhint: Try ⏎ again.\n"


HINTS = {
    ErrorCode.DISK_FULL: "Free some disk space (`pithy-local prune`).",
    ErrorCode.REPO_ANALYSIS: "The repository needs a commit with text files on its base branch.",
    ErrorCode.GITHUB_RATE_LIMIT: "GitHub limits your rate.",
    ErrorCode.IMAGE_BUILD_FAILED: "Mend the cause, then `pithy-local image build`.",
    ErrorCode.PATCH_REJECTED: "",
    ErrorCode.REPO_UNREACHABLE: ErrorCode.REPO_UNREACHABLE.hint,
}


@pytest.mark.parametrize(("code", "hint"), HINTS.items(), ids=lambda value: getattr(value, "word", None))
def test_a_hint_speaks_of_no_task_where_there_is_none(capsys: Capture, code: ErrorCode, hint: str) -> None:
    report(PithyError(code, "no"), as_json=True, verbose=False, env={})
    assert json.loads(capsys.readouterr().err)["error"]["hint"] == hint
    report(PithyError(code, "no"), as_json=False, verbose=False, env={})
    assert capsys.readouterr().err == "pithy-local: error: no\n" + (f"hint: {hint}\n" if hint else "")


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.word)
def test_no_hint_holds_the_word_that_stands_for_a_task(capsys: Capture, code: ErrorCode) -> None:
    report(PithyError(code, "no"), as_json=True, verbose=False, env={})
    assert not re.search(r"\bID\b|[,;]$", json.loads(capsys.readouterr().err)["error"]["hint"])


def test_a_hint_of_its_own_is_printed_as_it_is(capsys: Capture) -> None:
    report(UsageError("no", hint="Name it by its ID; that helps."), as_json=False, verbose=False, env={})
    assert capsys.readouterr().err.endswith("hint: Name it by its ID; that helps.\n")


def test_a_command_without_a_task_is_left_out_of_any_hint(capsys: Capture) -> None:
    error = PithyError(ErrorCode.REPO_ANALYSIS, "no", hint="Mend the file, then `pithy-local retry ID` reads it again.")
    report(error, as_json=False, verbose=False, env={})
    assert capsys.readouterr().err.endswith("hint: Mend the file.\n")


def test_an_error_under_json_is_an_object(capsys: Capture) -> None:
    report(UsageError("no", hint="yes"), as_json=True, verbose=False, env={})
    assert json.loads(capsys.readouterr().err) == {"error": {"code": "usage", "message": "no", "hint": "yes"}}


def test_a_bug_shows_its_traceback_only_when_asked(capsys: Capture) -> None:
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError as error:
        report(error, as_json=False, verbose=False, env={})
        short = capsys.readouterr().err
        report(error, as_json=False, verbose=True, env={})
        long = capsys.readouterr().err
    assert short.startswith("pithy-local: error: unexpected ZeroDivisionError: division by zero\nhint: ")
    assert "Traceback" not in short
    assert "Traceback" in long


@pytest.mark.parametrize("as_json", [False, True])
def test_no_key_and_no_token_is_printed(capsys: Capture, as_json: bool) -> None:
    env = {"OPENAI_API_KEY": "sk-canary-0001", "GITHUB_TOKEN": "ghp_canary0002"}
    error = PithyError(ErrorCode.INTERNAL, "sk-canary-0001", hint="ghp_canary0002", detail={"x": "sk-canary-0001"})
    report(error, as_json=as_json, verbose=True, env=env)
    assert "canary" not in capsys.readouterr().err


def test_control_characters_of_an_error_do_not_reach_the_terminal(capsys: Capture) -> None:
    report(UsageError("\x1b]52;c;aGk=\x07\x1b[2J"), as_json=False, verbose=False, env={})
    assert "\x1b" not in capsys.readouterr().err


def test_a_reader_that_leaves_ends_it_quietly(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=[f"line {number}" for number in range(50_000)])
    process = cli.start("logs", task.id)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=100), err) == (BROKEN_PIPE, b"")
