"""What ended an attempt: the sandbox's words are hints, the host's own observations decide."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest

from pithy_local.clock import SystemClock
from pithy_local.door.failures import Failure
from pithy_local.door.gateway import Gateway
from pithy_local.door.reports import Reports, Result
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.lifecycle.outcome import and_again, failure_of, host_error, presentable, status_of
from pithy_local.models import Status
from tests.door.stand_ins import MemoryGate, MemoryLedger


def gateway(result: Result | None, seen: Failure | None = None) -> Gateway:
    """One whose runner said `result` and which saw `seen` go wrong."""
    reports = Reports(on_event=lambda event: None, on_diff=lambda number, diff: None, max_diff_bytes=1)
    made = Gateway(
        upstreams=(), call_timeout=1, ledger=MemoryLedger(), gate=MemoryGate(), on_wait=lambda provider, until: None,
        on_park=lambda parked: None, reports=reports, token=None, clock=SystemClock(),
    )  # fmt: skip
    reports.result, made.failure = result, seen
    return made


def failed(code: str | None, message: str = "as it says") -> Result:
    return Result("failed", code, message, {"from": "the sandbox"})


@pytest.mark.parametrize("said", ["llm_auth", "llm_service", "llm_timeout", "llm_rate_limit", "token_limit", "internal",
                                  "policy", "push_rejected", "agent_failed", "no such word", None])  # fmt: skip
def test_a_runner_is_not_believed_what_only_the_host_can_know(said: str | None) -> None:
    failure = failure_of(gateway(failed(said)))

    assert failure is not None
    assert (failure.code, failure.message) == (ErrorCode.AGENT_FAILED, "as it says")


@pytest.mark.parametrize("said", ["llm_auth", "agent_failed", "internal", None])
def test_what_the_gateway_saw_decides(said: str | None) -> None:
    seen = Failure("llm_rate_limit", "slow down", {"http_status": 429})

    failure = failure_of(gateway(failed(said), seen))

    assert failure is not None
    assert (failure.code, failure.message, failure.detail) == (
        ErrorCode.LLM_RATE_LIMIT, "slow down", {"http_status": 429},
    )  # fmt: skip


@pytest.mark.parametrize("said", ["patch_malformed", "patch_rejected", "patch_empty", "repo_analysis"])
def test_only_the_sandbox_knows_what_became_of_the_patch(said: str) -> None:
    seen = Failure("llm_service", "an earlier call", {})

    failure = failure_of(gateway(failed(said), seen))

    assert failure is not None
    assert (failure.code.word, failure.detail) == (said, {"from": "the sandbox"})


def test_a_change_that_was_made_is_no_failure_whatever_call_went_wrong_before() -> None:
    assert failure_of(gateway(Result("ready", None, "", {}), Failure("llm_service", "m", {}))) is None


def test_a_runner_without_a_result_was_lost() -> None:
    failure = failure_of(gateway(None))

    assert failure is not None
    assert failure.code is ErrorCode.CONTAINER_LOST


def test_a_person_looks_at_patches_and_policy_and_nothing_else() -> None:
    looked_at = {code.word for code in ErrorCode if status_of(code) is Status.NEEDS_REVIEW}

    assert looked_at == {
        "patch_malformed", "patch_rejected", "patch_empty", "syntax", "policy", "verify_failed", "awaiting_review",
    }  # fmt: skip
    assert [code.word for code in ErrorCode if status_of(code) is Status.NEEDS_CLARIFICATION] == ["clarification"]


@pytest.mark.parametrize("outcome", ["question", "failed"])
def test_a_sandbox_that_says_nothing_is_no_riddle(outcome: str) -> None:
    failure = failure_of(gateway(Result(outcome, None, " \n", {})))

    assert failure is not None
    assert (failure.code, failure.message) == (ErrorCode.AGENT_FAILED, "the runner ended without a word")


def test_a_question_of_the_models_is_one_for_the_user() -> None:
    failure = failure_of(gateway(Result("question", None, "Which one?", {})))

    assert failure is not None
    assert (failure.code, failure.message) == (ErrorCode.CLARIFICATION, "Which one?")


def test_what_the_runner_says_is_to_be_done_is_the_hint() -> None:
    said = Result("failed", "repo_analysis", "there are no text files", {"hint": "Add one.\nThen \x1b[31mretry."})

    failure = failure_of(gateway(said))

    assert failure is not None
    assert failure.hint == "Add one. ⏎ Then retry."


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x"), ErrorCode.DISK_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), ErrorCode.DISK_FULL),
        (OSError(errno.EIO, "Input/output error"), ErrorCode.INTERNAL),
        (ValueError("a bug"), ErrorCode.INTERNAL),
        (PithyError(ErrorCode.OOM, "as it is"), ErrorCode.OOM),
        (PithyError(ErrorCode.STORE, "no state of a task"), ErrorCode.INTERNAL),
        (PithyError(ErrorCode.GIT_MISSING, "no state of a task"), ErrorCode.INTERNAL),
    ],
)
def test_an_error_of_the_host_gets_a_code(error: Exception, code: ErrorCode) -> None:
    assert host_error(error).code is code


def test_what_is_no_state_of_a_task_keeps_its_words_and_its_hint() -> None:
    told = host_error(PithyError(ErrorCode.GIT_MISSING, "git is gone", detail={"path": "x"}))

    assert (told.message, told.hint, told.detail) == ("git is gone", ErrorCode.GIT_MISSING.hint, {"path": "x"})


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"bottom": 1}
    for _ in range(depth):
        value = {"in": value}
    return value


def hide(text: str) -> str:
    return text.replace("nsecret", "***")


@pytest.mark.parametrize(
    "detail",
    [
        {"text": "x" * 5_000_000},
        {str(number): number for number in range(100_000)},
        {"list": list(range(100_000))},
        nested(900),
        {"not JSON": float("nan"), "nor this": float("inf"), "odd": {1, 2}, "nul": "\0", "half": "\ud800"},
    ],
    ids=["long", "many", "list", "deep", "odd"],
)
def test_a_detail_of_any_shape_becomes_json_of_a_bounded_size(detail: dict[str, Any]) -> None:
    text = json.dumps(presentable(detail, hide), allow_nan=False, ensure_ascii=False).encode()

    assert len(text) < 10_000
    assert b"\0" not in text


def test_a_detail_is_masked_in_keys_and_values_and_else_stays_as_it_is() -> None:
    detail = {"http_status": 403, "nsecret": ["nsecret", {"deep": "line\nsecret nsecret"}], "none": None, "ok": True}

    assert presentable(detail, hide) == {
        "http_status": 403, "***": ["***", {"deep": "line\nsecret ***"}], "none": None, "ok": True,
    }  # fmt: skip


def test_a_process_without_descriptors_is_no_bug_of_ours() -> None:
    told = host_error(OSError(errno.EMFILE, "Too many open files"))
    assert (told.code, "descriptor" in told.message, "ulimit -n" in told.hint) == (ErrorCode.INTERNAL, True, True)


@pytest.mark.parametrize(
    ("hint", "made", "told"),
    [
        ("Look.", True, "Look. Then `pithy-local retry 0abc` delivers the change; no model is asked."),
        ("Look.", False, "Look. Then `pithy-local retry 0abc`."),
        ("Look; `pithy-local retry 0abc` tries again.", True, "Look; `pithy-local retry 0abc` tries again."),
    ],
)
def test_a_failed_tasks_hint_ends_with_how_to_go_on(hint: str, made: bool, told: str) -> None:
    assert and_again(hint, "0abc", made=made) == told
