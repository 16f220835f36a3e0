"""What the product asks of a forge, and the records it gets back."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Literal, Protocol, TypeGuard

from pithy_local.errors import ErrorCode, UsageError
from pithy_local.retry import Wait

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


Severity = Literal["critical", "major", "minor", "nitpick"]
"""How much a finding matters, the most important first."""

MAX_URL = 500


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose token it is, and what the forge's headers say of it. Times are milliseconds since 1970.

    `scopes` are those of a classic token, None for another kind; `expires` is None where nothing is told;
    `date` is the forge's clock, None where it is not told.
    """

    login: str
    scopes: tuple[str, ...] | None
    expires: int | None
    date: int | None


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


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a reviewer found: `path` is relative to the repository, `line` None for the whole file, `source` a URL.

    All of it is untrusted text, made safe and bounded.
    """

    path: str
    line: int | None
    severity: Severity
    text: str
    source: str


class Forge(Protocol):
    """github; a plain remote has none. Every method may be called from any thread.

    What fails for now (no answer, 5xx, a short rate limit) is asked again on the schedule of `retry.WAITS`; `wait`
    sleeps in between and may raise to end it.
    All raise PithyError: github_auth (401, 403), github_rate_limit, repo_unreachable (there is no such repository for
    this token), github_error (no answer, 5xx, anything else); `detail` holds http_status (absent when no answer
    came), message, documentation_url, request_id, and retry_after (seconds) of a rate limit.
    """

    def account(self) -> Account:
        """Whose token it is. Raises PithyError (github_auth) for one that is not accepted."""

    def repository(self, slug: str, *, wait: Wait | None = time.sleep) -> RepoInfo:
        """The repository and what may be done with it. A missing right to push is no error here: see `can_push`.

        `wait` None: one request only, for somebody who waits for the answer.
        """

    def find_pr(self, slug: str, branch: str, *, wait: Wait = time.sleep) -> PullRequest | None:
        """The open pull request whose head is `branch` of this very repository."""

    def open_pr(
        self, slug: str, *, head: str, base: str, title: str, body: str, draft: bool, wait: Wait = time.sleep
    ) -> PullRequest:
        """Open a pull request of branch `head`, or adopt the one that is open already: it is looked for before each
        request and after the last, so that a lost answer never makes a second one."""

    def review_findings(
        self, slug: str, branch: str, *, limit: int = 20, wait: Wait = time.sleep
    ) -> tuple[Finding, ...]:
        """What CodeRabbit found on the open pull request of `branch` and on the newest others: the most important
        first, at most `limit`. () where it has said nothing."""

    def close(self) -> None:
        """Give up connections. Idempotent."""


def checked_slug(slug: str) -> str:
    """`slug` if it can be one: it becomes part of a URL's path. Raises UsageError (repo_unreachable)."""
    if not _SLUG.fullmatch(slug):
        raise UsageError(f"{slug!r} is not owner/name", code=ErrorCode.REPO_UNREACHABLE)
    return slug


def is_web_url(text: object) -> TypeGuard[str]:
    """Whether a forge's answer gave an address that can be shown and kept."""
    if not isinstance(text, str) or not text.startswith(("https://", "http://")):
        return False
    return len(text) <= MAX_URL and text.isascii() and text.isprintable() and " " not in text
