"""The table of errors is the contract's (CONTRACT §4)."""

from __future__ import annotations

import pytest

from pithy_local.errors import (
    ErrorCode,
    ExitCode,
    NoSuchTask,
    NotThereYet,
    PithyError,
    Refused,
    UsageError,
)

EXIT_CODES = {
    "timeout": 1, "llm_timeout": 1, "llm_auth": 4, "llm_rate_limit": 1, "llm_service": 1, "token_limit": 1,
    "patch_malformed": 1, "patch_rejected": 1, "patch_empty": 1, "policy": 1, "agent_failed": 1,
    "image_build_failed": 3, "repo_unreachable": 2, "repo_analysis": 1, "docker_unreachable": 3, "container_lost": 1,
    "oom": 1, "disk_full": 3, "push_rejected": 4, "branch_conflict": 1, "github_auth": 4, "github_rate_limit": 1,
    "github_error": 1, "internal": 1,
}  # fmt: skip


@pytest.mark.parametrize(("word", "exit_code"), EXIT_CODES.items())
def test_each_code_of_the_contract_has_its_exit_code(word: str, exit_code: int) -> None:
    assert ErrorCode.of(word).word == word
    assert ErrorCode.of(word).exit_code == exit_code


def test_no_two_codes_share_a_word() -> None:
    words = [code.word for code in ErrorCode]
    assert len(words) == len(set(words)) == len(ErrorCode.__members__)


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.word)
def test_each_code_says_what_to_do(code: ErrorCode) -> None:
    assert code.hint.endswith(".")
    assert "\n" not in code.hint


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
