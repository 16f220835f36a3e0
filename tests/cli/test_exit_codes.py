"""Errors become one line, a hint and an exit code in one place."""

from __future__ import annotations

import errno
import json
import re

import click
import pytest

from pithy_local.cli.exit_codes import BROKEN_PIPE, report
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
        (click.UsageError("no"), 2), (ZeroDivisionError("no"), 1),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_each_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert report(error, as_json=False, verbose=False, env={}) == code


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
    assert (process.wait(timeout=50), err) == (BROKEN_PIPE, b"")
