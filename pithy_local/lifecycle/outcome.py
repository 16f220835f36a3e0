"""What an ended sandbox means: the runner's words are hints, the host's own observations decide."""

from __future__ import annotations

from pithy_local.door.gateway import Gateway
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Status

NEEDS_REVIEW = frozenset({ErrorCode.PATCH_MALFORMED, ErrorCode.PATCH_REJECTED, ErrorCode.PATCH_EMPTY, ErrorCode.POLICY})
"""CONTRACT §4: with these a person looks at the work; every other code is a failure."""

RUNNER_MAY_SAY = frozenset(
    {
        ErrorCode.PATCH_MALFORMED,
        ErrorCode.PATCH_REJECTED,
        ErrorCode.PATCH_EMPTY,
        ErrorCode.REPO_ANALYSIS,
        ErrorCode.AGENT_FAILED,
    }
)
"""Codes that only the sandbox can know. What the model's service did is known to the gateway alone."""


def status_of(code: ErrorCode) -> Status:
    return Status.NEEDS_REVIEW if code in NEEDS_REVIEW else Status.FAILED


def failure_of(gateway: Gateway) -> PithyError | None:
    """Why the sandbox ended without a change; None when it reported one."""
    result = gateway.reports.result
    if result is None:
        return PithyError(ErrorCode.CONTAINER_LOST, "the runner ended without a result")
    if result.outcome == "ready":
        return None
    said = ErrorCode.of(result.code or "")
    if said in RUNNER_MAY_SAY - {ErrorCode.AGENT_FAILED}:
        return PithyError(said, result.message, detail=result.detail)
    seen = gateway.failure
    if seen is not None:
        return PithyError(ErrorCode.of(seen.code), seen.message, detail=seen.detail)
    return PithyError(ErrorCode.AGENT_FAILED, result.message, detail=result.detail)
