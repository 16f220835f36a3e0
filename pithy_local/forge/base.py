"""What the product asks of a forge, and the records it gets back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from pithy_local.errors import ErrorCode, UsageError

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class RepoInfo:
    """A repository as the forge knows it. The token may go to the origin of `clone_url`, and nowhere else."""

    clone_url: str
    default_branch: str
    can_push: bool
    archived: bool


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request as the forge shows it now. `url` is for people."""

    number: int
    url: str
    head_sha: str
    body: str


class Forge(Protocol):
    """github; a plain remote has none. Every method may be called from any thread.

    All raise PithyError: github_auth (401, 403), github_rate_limit, repo_unreachable (there is no such repository for
    this token), github_error (no answer, 5xx, anything else); `detail` holds http_status (absent when no answer
    came), message, documentation_url and request_id.
    """

    def login(self) -> str:
        """Whose token it is. Raises PithyError (github_auth) for one that is not accepted."""

    def repository(self, slug: str) -> RepoInfo:
        """The repository and what may be done with it. A missing right to push is no error here: see `can_push`."""

    def find_pr(self, slug: str, branch: str) -> PullRequest | None:
        """The open pull request whose head is `branch` of this very repository."""

    def open_pr(self, slug: str, *, head: str, base: str, title: str, body: str, draft: bool) -> PullRequest:
        """Open a pull request of branch `head`, or adopt the one that is open already. One request: after a lost
        answer it looks once whether the pull request exists by now."""

    def close(self) -> None:
        """Give up connections. Idempotent."""


def checked_slug(slug: str) -> str:
    """`slug` if it can be one: it becomes part of a URL's path. Raises UsageError (repo_unreachable)."""
    if not _SLUG.fullmatch(slug):
        raise UsageError(f"{slug!r} is not owner/name", code=ErrorCode.REPO_UNREACHABLE)
    return slug
