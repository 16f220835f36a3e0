"""One commit to one branch of the remote, exactly once: look, push with a lease, look again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import TRANSFER, Result, nothing, tail
from pithy_local.git.mirror import LOOK_TIMEOUT, UPLOAD_PACK, Mirror
from pithy_local.git.problems import passing, transfer_error
from pithy_local.git.refs import is_branch_name, is_sha
from pithy_local.git.remote import has_work_tree
from pithy_local.retry import WAITS, Wait, retried

PUSH_TIMEOUT = 900.0
"""Seconds for one push; a stalled one ends after 120 s without a byte."""
HEADS = "refs/heads/"
REFUSED = re.compile(r"^!\t[^\t]*\t\[([^\]]*)\] \((.*)\)$", re.M)
RECEIVE = (
    "-c core.fsmonitor=false -c core.alternateRefsCommand=true -c receive.autogc=false "
    "-c receive.denyCurrentBranch=ignore"
)
"""No command of the repository's configuration runs while it takes a push (`true` instead of one)."""


def remote_head(mirror: Mirror, branch: str, token: str = "", checkpoint: Callable[[], None] = nothing) -> str | None:
    """The commit id of a branch at the remote, None where there is no such branch.

    Raises PithyError: repo_unreachable, github_auth.
    """
    ref = _ref(branch)
    # The pattern matches by its end too: refs/x/refs/heads/main is not refs/heads/main.
    return _listed(mirror, token, checkpoint, pattern=ref).get(ref)


def remote_branches(mirror: Mirror, token: str = "", checkpoint: Callable[[], None] = nothing) -> list[str]:
    """The names of all branches at the remote, sorted; [] for an empty repository.

    Raises PithyError: repo_unreachable, github_auth.
    """
    return sorted(ref.removeprefix(HEADS) for ref in _listed(mirror, token, checkpoint) if ref.startswith(HEADS))


def _listed(mirror: Mirror, token: str, checkpoint: Callable[[], None], *, pattern: str = "") -> dict[str, str]:
    """Full names of refs at the remote, each with its commit: all branches, or what matches `pattern`."""
    credential = mirror.credential(token)
    asked = mirror.git.run(
        "ls-remote", *mirror.serve_local(UPLOAD_PACK, "--upload-pack"), *(() if pattern else ("--heads",)),
        "--", mirror.remote.url, *((pattern,) if pattern else ()),
        check=False, credential=credential, limits=TRANSFER, timeout=LOOK_TIMEOUT, checkpoint=checkpoint,
    )  # fmt: skip
    if not asked.ok:
        raise transfer_error(asked, mirror.remote, with_token=credential is not None)
    lines = (line.partition("\t") for line in asked.text.splitlines())
    return {ref: sha for sha, _, ref in lines if is_sha(sha)}


def push(
    mirror: Mirror,
    sha: str,
    branch: str,
    *,
    expected: Collection[str] = (),
    token: str = "",
    waits: Sequence[float] = WAITS,
    wait: Wait = time.sleep,
    checkpoint: Callable[[], None] = nothing,
) -> None:
    """Make `branch` at the remote point to `sha`; returns once the remote shows it. Repeating it changes nothing.

    `expected` are the commits that we ever made for it, any of which we may have left there: anything else is
    somebody's work. A transfer that failed for now is repeated after each of `waits`, with a look before it.
    Raises PithyError: branch_conflict, push_rejected, github_auth, repo_unreachable.
    """
    ref = _ref(branch)
    if not all(map(is_sha, (sha, *expected))):
        raise ValueError("not a commit id")
    look = partial(remote_head, mirror, branch, token, checkpoint)

    def attempt() -> None:
        before = look()
        if before == sha:
            return
        if before is not None and before not in expected:
            raise _conflict(mirror, branch, before)
        result = _push(mirror, f"{sha}:{ref}", f"{ref}:{before or ''}", token, checkpoint)
        try:
            after = look()  # whatever answer was lost, the remote knows
        except PithyError:
            if result.ok:
                raise
            raise _error(mirror, result, token) from None
        if after != sha:
            raise _error(mirror, result, token) if after == before else _conflict(mirror, branch, after)

    retried(attempt, passing, waits=waits, wait=wait)


def _push(mirror: Mirror, refspec: str, lease: str, token: str, checkpoint: Callable[[], None]) -> Result:
    return mirror.git.run(
        "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules", "--no-signed",
        f"--force-with-lease={lease}", *mirror.serve_local(_receive_pack(mirror), "--receive-pack"),
        "--", mirror.remote.url, refspec,
        check=False, credential=mirror.credential(token), limits=TRANSFER, timeout=PUSH_TIMEOUT, checkpoint=checkpoint,
    )  # fmt: skip


def _receive_pack(mirror: Mirror) -> str:
    """What takes a push in a local path. A bare repository is a server, its hooks are its owner's rules and run;
    beside checked-out files the hooks may be files of the tree (`core.hooksPath`): they never run."""
    hooks = " -c core.hooksPath=/dev/null" if has_work_tree(Path(mirror.remote.url)) else ""
    return f"git {RECEIVE}{hooks} receive-pack"


def _error(mirror: Mirror, result: Result, token: str) -> PithyError:
    refused = REFUSED.search(result.stdout.decode("utf-8", "replace"))
    if refused is None:
        with_token = mirror.credential(token) is not None
        return transfer_error(result, mirror.remote, with_token=with_token, pushing=True)
    detail = {"git": tail(result), "reason": refused[2][:500]}
    what = f"{mirror.remote.display} refused the push: {refused[2][:200]}"
    return PithyError(ErrorCode.PUSH_REJECTED, what, detail=detail)


def _conflict(mirror: Mirror, branch: str, there: str | None) -> PithyError:
    detail = {"branch": branch, "remote_sha": there}
    what = f"{branch} of {mirror.remote.display} has another commit than ours"
    return PithyError(ErrorCode.BRANCH_CONFLICT, what, detail=detail)


def _ref(branch: str) -> str:
    if not is_branch_name(branch):
        raise ValueError(f"not a branch name: {branch!r}")
    return HEADS + branch
