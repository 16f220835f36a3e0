"""The table of errors is the contract's (CONTRACT §4)."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from pithy_local import config
from pithy_local.cli.main import root
from pithy_local.errors import ErrorCode, ExitCode, NoSuchTask, NotThereYet, PithyError, Refused, UsageError
from pithy_local.lifecycle.outcome import NO_STATE, status_of
from tests import errors_page

CONTRACT = {
    "timeout": 1, "llm_timeout": 1, "llm_auth": 4, "llm_rate_limit": 1, "llm_service": 1, "token_limit": 1,
    "budget": 6, "patch_malformed": 1, "patch_rejected": 1, "patch_empty": 1, "syntax": 1, "policy": 1,
    "verify_failed": 1, "awaiting_review": 1, "clarification": 1, "agent_failed": 1, "image_build_failed": 3,
    "image_missing": 3, "repo_unreachable": 2, "repo_analysis": 1, "docker_unreachable": 3, "container_lost": 1,
    "oom": 1, "disk_full": 3, "push_rejected": 4, "branch_conflict": 1, "github_auth": 4, "github_rate_limit": 1,
    "github_error": 1, "dependency_failed": 1, "crash_loop": 1, "internal": 1,
}  # fmt: skip
"""Codes of a task with their exit codes (CONTRACT §4); those of later capabilities are not there yet."""
NEEDS = {
    "needs_review": {
        "patch_malformed", "patch_rejected", "patch_empty", "syntax", "policy", "verify_failed", "awaiting_review",
    },
    "needs_clarification": {"clarification"},
    "cancelled": {"dependency_failed"},
}  # fmt: skip
"""Codes of a task that waits for a person or was cancelled by the system; with every other one it has failed."""
PAGE = Path(__file__).parent.parent / "docs" / "errors.md"


@pytest.mark.parametrize(("word", "exit_code"), CONTRACT.items())
def test_each_code_of_the_contract_has_its_exit_code(word: str, exit_code: int) -> None:
    assert ErrorCode.of(word).word == word
    assert ErrorCode.of(word).exit_code == exit_code


@pytest.mark.parametrize("word", [word for word in CONTRACT if word != "budget"])
def test_each_code_of_the_contract_has_its_status(word: str) -> None:
    wanted = next((status for status, words in NEEDS.items() if word in words), "failed")
    assert status_of(ErrorCode.of(word)).value == wanted


def test_every_other_code_is_an_answer_to_a_request() -> None:
    assert {code.word for code in ErrorCode} - {code.word for code in NO_STATE} == CONTRACT.keys() - {"budget"}


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == "\n".join(errors_page.lines()) + "\n"


def test_no_two_codes_share_a_word() -> None:
    words = [code.word for code in ErrorCode]
    assert len(words) == len(set(words)) == len(ErrorCode.__members__)


EVERY_CODE = pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.word)
NAMED = re.compile(r"`([^`]+)`")
OTHERS = ("docker", "gh")
"""Programs of others that a hint may tell to run."""


@EVERY_CODE
def test_each_code_says_what_to_do_in_one_line(code: ErrorCode) -> None:
    assert code.hint.endswith(".")
    assert "\n" not in code.hint


@EVERY_CODE
def test_each_hint_names_a_command_or_a_setting(code: ErrorCode) -> None:
    assert NAMED.search(code.hint) or re.search(r"\b(PITHY|GITHUB)_[A-Z]+|config\.example\.toml", code.hint)


@EVERY_CODE
def test_each_command_and_setting_of_a_hint_exists(code: ErrorCode) -> None:
    for named in NAMED.findall(code.hint):
        program, *words = named.split()
        if program == "pithy-local" and words[:1] != ["--help"]:
            assert _takes(words), named
        elif program not in ("pithy-local", *OTHERS):
            assert named in _settings(), named


def _takes(words: list[str]) -> bool:
    """Whether the command line knows this verb with these options."""
    context = click.Context(root, info_name="pithy-local")
    command: click.Command | None = root
    while isinstance(command, click.Group):
        command = command.get_command(context, words.pop(0))
    options = {name for option in command.params for name in option.opts} if command else set()
    return command is not None and {word for word in words if word.startswith("--")} <= options


def _settings() -> list[str]:
    """Every key of the configuration, dotted; and those of its tables."""
    found = []
    table = ""
    for line in config.example().splitlines():
        if line.startswith("["):
            table = line[1 : line.index("]")] + "."
            found.append(table.removesuffix("."))
        elif " = " in line:
            found.append(table + line.split(" = ")[0])
    return found


def test_a_word_nobody_knows_is_internal() -> None:
    assert ErrorCode.of("no such word") is ErrorCode.INTERNAL


@pytest.mark.parametrize(
    ("error", "word", "exit_code"),
    [
        (UsageError("x"), "usage", ExitCode.USAGE),
        (UsageError("x", code=ErrorCode.CONFIG), "config", ExitCode.USAGE),
        (NoSuchTask("x"), "no_such_task", ExitCode.NO_SUCH_TASK),
        (Refused("x"), "refused", ExitCode.REFUSED),
        (NotThereYet("x"), "not_there_yet", ExitCode.NOT_THERE_YET),
        (PithyError(ErrorCode.OOM), "oom", ExitCode.FAILED),
    ],
)
def test_each_kind_of_error_has_its_code(error: PithyError, word: str, exit_code: ExitCode) -> None:
    assert (error.code.word, error.exit_code) == (word, exit_code)


def test_an_error_without_words_says_what_its_class_says() -> None:
    assert Refused("").message == "The task is not in a state that allows this."


def test_an_error_of_its_own_hint_keeps_it() -> None:
    assert UsageError("x", hint="Try y.").hint == "Try y."
    assert UsageError("x", hint="").hint == ""


def test_the_json_form_has_the_keys_of_the_contract() -> None:
    error = PithyError(ErrorCode.OOM, "out of memory", detail={"limit": 5})
    assert error.to_json() == {
        "code": "oom", "message": "out of memory", "hint": ErrorCode.OOM.hint, "detail": {"limit": 5}
    }  # fmt: skip
