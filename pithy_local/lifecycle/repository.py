"""Where a task's repository is, whether we may push to it, and with which token: for `add` and for each attempt."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pithy_local.errors import ErrorCode, PithyError, UsageError
from pithy_local.forge.base import Forge, RepoInfo
from pithy_local.git.mirror import Mirror, choices, empty
from pithy_local.git.push import remote_branches
from pithy_local.git.refs import is_branch_name
from pithy_local.git.remote import Remote, check_local, parse_repo
from pithy_local.paths import Home
from pithy_local.retry import Wait
from pithy_local.text import clip


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A repository that can be reached. `token` is "" where none may be sent (any but the forge's own clone URL);
    `default_branch` is None where only git can tell."""

    mirror: Mirror
    token: str
    default_branch: str | None


class Repositories:
    """Connects to what users name. `forge` is called only for GitHub repositories."""

    def __init__(self, *, api_url: str, token: str, home: Home, forge: Callable[[], Forge]) -> None:
        self._api_url, self._token, self._home, self._forge = api_url, token, home, forge

    def connect(self, repo: str, *, wait: Wait | None = time.sleep) -> Connection:
        """Ask the forge, if there is one; nothing is fetched yet. `wait` None: it is asked once only.

        Raises UsageError, PithyError (github_auth: no right to push; repo_unreachable, github_error, …).
        """
        remote = parse_repo(repo, api_url=self._api_url)
        if remote.slug is None:
            return Connection(mirror=Mirror(self._home.mirrors, remote), token="", default_branch=None)
        info = self._info(remote.slug, wait)
        mirror = Mirror(self._home.mirrors, remote.at(info.clone_url))
        return Connection(mirror=mirror, token=self._token, default_branch=info.default_branch)

    def known(self, repo: str, clone_url: str) -> Connection:
        """To a repository that was connected to before, at the clone URL of then. Nothing is asked."""
        remote = parse_repo(repo, api_url=self._api_url)
        if remote.slug is None:
            return Connection(mirror=Mirror(self._home.mirrors, remote), token="", default_branch=None)
        mirror = Mirror(self._home.mirrors, remote.at(clone_url))
        return Connection(mirror=mirror, token=self._token, default_branch=None)

    def check(self, repo: str, base: str | None, *, from_here: bool = True) -> tuple[Remote, tuple[str, ...]]:
        """What `add` needs to know before a task is queued: the remote, and warnings. One try each: somebody waits.
        `from_here`: see `parse_repo`.

        Raises UsageError, PithyError for what does not exist (repo_unreachable), may not be pushed to (github_auth)
        or has nothing to work on (repo_analysis). A repository that cannot be asked now (offline, 5xx, rate limit) is
        a warning: it may be reachable later.
        """
        remote = parse_repo(repo, api_url=self._api_url, from_here=from_here)
        if remote.kind == "path":
            check_local(remote.url)
        if base is not None and not is_branch_name(base):
            hint = "Name a branch as git does: no spaces, no `..`, none of `~^:?*[\\`, no `-` in front."
            raise UsageError(f"{clip(base, 80)!r} is not a branch name", hint=hint, field="base")
        try:
            _look(self.connect(repo, wait=None), remote, base)
        except PithyError as error:
            if _may_be_back(error):
                return remote, (f"{remote.display} could not be checked: {error.message}",)
            if error.code is ErrorCode.REPO_UNREACHABLE and remote.slug and from_here and Path(repo).exists():
                error.hint = f"For the folder write ./{remote.slug}."
            raise
        return remote, ()

    def _info(self, slug: str, wait: Wait | None) -> RepoInfo:
        try:
            info = self._forge().repository(slug, wait=wait)
        except PithyError as error:
            if error.code is ErrorCode.REPO_UNREACHABLE and not self._token:
                raise PithyError(ErrorCode.GITHUB_AUTH, f"{slug} cannot be seen: there is no GitHub token") from error
            raise
        if not info.can_push:
            why = f"the GitHub token may not push to {slug}" if self._token else "there is no GitHub token"
            raise PithyError(ErrorCode.GITHUB_AUTH, why)
        if info.archived:
            raise PithyError(ErrorCode.GITHUB_AUTH, f"{slug} is archived: nobody can push to it", hint="Unarchive it.")
        return info


def _look(connection: Connection, remote: Remote, base: str | None) -> None:
    """Whether git answers and has the branch to build on."""
    branches = remote_branches(connection.mirror, connection.token)
    if not branches:
        raise empty(remote)
    wanted = base or connection.default_branch
    if wanted is not None and wanted not in branches:
        hint = f"{choices(wanted, branches)} Name a branch that exists with --base."
        raise UsageError(f"{remote.display} has no branch {wanted!r}", hint=hint, field="base")


def _may_be_back(error: PithyError) -> bool:
    """No answer, a service error or a rate limit: nothing is known about the repository."""
    if error.code is ErrorCode.GITHUB_RATE_LIMIT:
        return True
    status = error.detail.get("http_status")
    if error.code is ErrorCode.GITHUB_ERROR:
        return status is None or status >= 500
    return error.code is ErrorCode.REPO_UNREACHABLE and bool(error.detail.get("offline"))
