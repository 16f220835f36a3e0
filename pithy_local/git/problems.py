"""What git says when a transfer fails, as our errors."""

from __future__ import annotations

import re

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import Result, tail
from pithy_local.git.remote import Remote

STATUS = re.compile(r"The requested URL returned error: (\d{3})")
NO_LOGIN = re.compile(r"Authentication failed|could not read (Username|Password)|terminal prompts disabled")
NO_REPOSITORY = re.compile(r"not found|does not appear to be a git repository|does not exist|No such file", re.I)
GONE = "Put the repository back where it was, or add the task again with --repo; `pithy-local doctor` checks the rest."
SHA256 = "Only repositories with SHA-1 object ids are supported: give such a copy of it with --repo."
NO_CREDENTIALS = "Only a GitHub repository given as owner/name is reached with a token; other URLs without credentials."


def transfer_error(result: Result, remote: Remote, *, with_token: bool, pushing: bool = False) -> PithyError:
    """The error for a fetch, ls-remote or push that failed.

    Codes: repo_unreachable (`detail["offline"]` where it may be there all the same, with `detail["timed_out"]` where
    it used up the whole time it had); github_auth (401, or 403 on
    reading, with our token); push_rejected (403 on pushing, or no login of ours); repo_analysis (an object
    format that we do not keep).
    """
    status = _status(result)
    detail: dict[str, object] = {"git": tail(result)}
    if status is not None:
        detail["http_status"] = status
    if "mismatched algorithms" in result.stderr:
        return PithyError(
            ErrorCode.REPO_ANALYSIS, f"{remote.display} uses SHA-256 object ids", hint=SHA256, detail=detail
        )
    if result.timed_out:
        detail |= {"offline": True, "timed_out": True}
        return PithyError(ErrorCode.REPO_UNREACHABLE, f"{remote.display} did not answer in time", detail=detail)
    if status in (401, 403):
        return _refused(remote, status, with_token, pushing, detail)
    if status == 404 or (status is None and NO_REPOSITORY.search(result.stderr)):
        hint = GONE if remote.kind == "path" else None
        what = f"there is no repository {remote.display}"
        return PithyError(ErrorCode.REPO_UNREACHABLE, what, hint=hint, detail=detail)
    if status in (301, 302, 307, 308):
        moved = f"{remote.display} has moved: a token is not sent after a redirect"
        return PithyError(ErrorCode.REPO_UNREACHABLE, moved, hint="Use the repository's new name.", detail=detail)
    if remote.kind != "path" and (status is None or status == 429 or status >= 500):
        detail["offline"] = True  # says nothing about the repository
    answered = f"answered {status}" if status is not None else "cannot be reached"
    return PithyError(ErrorCode.REPO_UNREACHABLE, f"{remote.display} {answered}", detail=detail)


def passing(failure: PithyError, planned: float) -> float | None:
    """Seconds before a transfer is tried again: `planned`; None where it would fail again, or took too long already."""
    return planned if failure.detail.get("offline") and not failure.detail.get("timed_out") else None


def _refused(remote: Remote, status: int, with_token: bool, pushing: bool, detail: dict[str, object]) -> PithyError:
    if with_token and status == 401:
        return PithyError(ErrorCode.GITHUB_AUTH, f"{remote.display} does not accept the token", detail=detail)
    if pushing:
        hint = None if with_token else NO_CREDENTIALS
        return PithyError(ErrorCode.PUSH_REJECTED, f"no right to push to {remote.display}", hint=hint, detail=detail)
    if with_token:
        return PithyError(ErrorCode.GITHUB_AUTH, f"the token may not read {remote.display}", detail=detail)
    asks = f"{remote.display} does not exist or asks for a login"
    return PithyError(ErrorCode.REPO_UNREACHABLE, asks, hint=NO_CREDENTIALS, detail=detail)


def _status(result: Result) -> int | None:
    found = STATUS.search(result.stderr)
    if found is not None:
        return int(found[1])
    return 401 if NO_LOGIN.search(result.stderr) else None
