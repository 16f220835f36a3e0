"""What the product asks of a forge, and the records it gets back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from pithy_local.errors import ErrorCode, UsageError

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class RepoInfo:
    """A repository as the forge knows it. `slug` is its canonical `owner/name`.

    `default_branch` is None where only git can tell (no forge). The token may go to the origin of `clone_url`, and
    nowhere else.
    """

    slug: str
    clone_url: str
    default_branch: str | None
    can_push: bool
    archived: bool
    html_url: str | None


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request as the forge shows it now. `url` is for people; `state` is open or closed."""

    number: int
    url: str
    head_sha: str
    state: str
    body: str


class Forge(Protocol):
    """github | none. Every method may be called from any thread.

    All raise PithyError: github_auth (401, 403), github_rate_limit, repo_unreachable (there is no such repository for
    this token), github_error (no answer, 5xx, anything else); `detail` holds http_status (absent when no answer
    came), message, documentation_url and request_id.
    """

    def repository(self, slug: str) -> RepoInfo:
        """The repository and what may be done with it. A missing right to push is no error here: see `can_push`."""

    def find_pr(self, slug: str, branch: str) -> PullRequest | None:
        """The open pull request whose head is `branch` of this very repository."""

    def open_pr(self, slug: str, *, head: str, base: str, title: str, body: str, draft: bool) -> PullRequest | None:
        """Open a pull request of branch `head`, or adopt the one that is open already. One request: after a lost
        answer it looks once whether the pull request exists by now. None where there is no forge."""

    def pr(self, slug: str, number: int) -> PullRequest | None:
        """The pull request of this number, whatever its state; None when there is none."""

    def close(self) -> None:
        """Give up connections. Idempotent."""


def slug_of(repo: str, api_url: str) -> str | None:
    """`owner/name` for a repository of the forge at `api_url`, named so or by its web or clone URL; else None."""
    if _SLUG.fullmatch(repo):
        return repo
    parts = urlsplit(repo)
    if parts.scheme not in ("https", "http") or parts.netloc.lower() != _web_host(api_url):
        return None
    path = parts.path.strip("/").removesuffix(".git")
    return path if _SLUG.fullmatch(path) else None


def checked_slug(slug: str) -> str:
    """`slug` if it can be one: it becomes part of a URL's path. Raises UsageError (repo_unreachable)."""
    if not _SLUG.fullmatch(slug):
        raise UsageError(f"{slug!r} is not owner/name", code=ErrorCode.REPO_UNREACHABLE)
    return slug


def _web_host(api_url: str) -> str:
    """Where people see what `api_url` serves: github.com for api.github.com, the same host for an enterprise's."""
    return urlsplit(api_url).netloc.lower().removeprefix("api.")
