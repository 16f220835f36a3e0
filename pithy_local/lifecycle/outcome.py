"""What an ended sandbox means: the runner's words are hints, the host's own observations decide."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from pithy_local.door.gateway import Gateway
from pithy_local.errors import ErrorCode, PithyError, for_task
from pithy_local.models import Status, TaskError
from pithy_local.text import for_storage, safe_line

NEEDS_REVIEW = frozenset(
    {
        ErrorCode.PATCH_MALFORMED,
        ErrorCode.PATCH_REJECTED,
        ErrorCode.PATCH_EMPTY,
        ErrorCode.SYNTAX,
        ErrorCode.POLICY,
        ErrorCode.VERIFY_FAILED,
        ErrorCode.AWAITING_REVIEW,
    }
)
"""docs/contract.md §4: with these a person looks at the work; every other code is a failure."""

RUNNER_MAY_SAY = frozenset(
    {
        ErrorCode.PATCH_MALFORMED,
        ErrorCode.PATCH_REJECTED,
        ErrorCode.PATCH_EMPTY,
        ErrorCode.SYNTAX,
        ErrorCode.REPO_ANALYSIS,
        ErrorCode.AGENT_FAILED,
    }
)
"""Codes that only the sandbox can know. What the model's service did is known to the gateway alone."""

NO_STATE = frozenset(
    {
        ErrorCode.USAGE,
        ErrorCode.CONFIG,
        ErrorCode.NO_SUCH_TASK,
        ErrorCode.REFUSED,
        ErrorCode.NOT_THERE_YET,
        ErrorCode.GIT_MISSING,
        ErrorCode.BUDGET,
        ErrorCode.EXECUTION_DISABLED,
        ErrorCode.LISTEN,
        ErrorCode.STORE,
    }
)
"""Answers to a request. A task that meets one of them fails as `internal`, with the words and the hint as they are."""

MAX_HINT = 300
MAX_DETAIL_TEXT = 4_000
MAX_DETAIL_ITEMS = 50
MAX_DETAIL_DEPTH = 5
"""Bounds of an error's hint and detail, of which the sandbox may have written up to 4 MiB."""


def status_of(code: ErrorCode) -> Status:
    """How a task stands that ended with this code."""
    if code is ErrorCode.CLARIFICATION:
        return Status.NEEDS_CLARIFICATION
    if code is ErrorCode.DEPENDENCY_FAILED:
        return Status.CANCELLED
    return Status.NEEDS_REVIEW if code in NEEDS_REVIEW else Status.FAILED


def failure_of(gateway: Gateway) -> PithyError | None:
    """Why the sandbox ended without a change; None when it reported one."""
    result = gateway.reports.result
    if result is None:
        return PithyError(ErrorCode.CONTAINER_LOST, "the runner ended without a result")
    if result.outcome == "ready":
        return None
    words = result.message.strip()
    if result.outcome == "question" and words:
        return PithyError(ErrorCode.CLARIFICATION, words)
    words = words or "the runner ended without a word"
    said = ErrorCode.of(result.code or "")
    if said in RUNNER_MAY_SAY - {ErrorCode.AGENT_FAILED}:
        return PithyError(said, words, hint=_hint_of(result.detail), detail=result.detail)
    seen = gateway.failure
    if seen is not None:
        return PithyError(ErrorCode.of(seen.code), seen.message, detail=seen.detail)
    return PithyError(ErrorCode.AGENT_FAILED, words, detail=result.detail)


def _hint_of(detail: Mapping[str, Any]) -> str | None:
    """What the runner says is to be done, in one line; None where it says nothing."""
    hint = detail.get("hint")
    return safe_line(hint)[:MAX_HINT] if isinstance(hint, str) and hint else None


def host_error(error: Exception) -> PithyError:
    """What ended an attempt, as an error whose code a task can have (docs/contract.md §4)."""
    if isinstance(error, PithyError):
        if error.code not in NO_STATE:
            return error
        return PithyError(ErrorCode.INTERNAL, error.message, hint=error.hint, detail=error.detail)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PithyError(ErrorCode.DISK_FULL, f"no space left for {error.filename or 'the attempt'}")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        hint = "Raise the limit (`ulimit -n`) of the shell that `pithy-local` is started from, or lower `concurrency`."
        return PithyError(ErrorCode.INTERNAL, "no file descriptor is free for another file or connection", hint=hint)
    return PithyError(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}")


def told(error: PithyError, task: str, mask: Callable[[str], str]) -> TaskError:
    """`error` as people read it with the task `task` (its id): masked, bounded, the hint's commands with the id."""
    return TaskError(
        code=error.code.word, message=for_storage(mask(error.message)),
        hint=for_storage(mask(for_task(error.hint, task)), MAX_DETAIL_TEXT),
        detail=presentable(error.detail, mask),
    )  # fmt: skip


def and_again(hint: str, task: str, *, made: bool) -> str:
    """The hint of a failed task, with how to go on where it does not say so. `made`: all but its delivery was done."""
    command = f"`pithy-local retry {task}`"
    if command in hint:
        return hint
    return f"{hint} Then {command} delivers the change; no model is asked." if made else f"{hint} Then {command}."


def presentable(detail: Mapping[str, Any], mask: Callable[[str], str]) -> dict[str, Any]:
    """`detail` as JSON that every store takes: masked, bounded in length, number and depth."""
    return {
        _presentable(str(key), mask, 0): _presentable(value, mask, 1)
        for key, value in islice(detail.items(), MAX_DETAIL_ITEMS)
    }


def _presentable(value: Any, mask: Callable[[str], str], depth: int) -> Any:
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping | list | tuple):
        if depth >= MAX_DETAIL_DEPTH:
            return "…"
        if isinstance(value, Mapping):
            return {
                _presentable(str(key), mask, depth): _presentable(item, mask, depth + 1)
                for key, item in islice(value.items(), MAX_DETAIL_ITEMS)
            }
        return [_presentable(item, mask, depth + 1) for item in value[:MAX_DETAIL_ITEMS]]
    return for_storage(mask(str(value)), MAX_DETAIL_TEXT)
