"""GitHub through PyGithub: repositories and pull requests.

Facts behind the shape: PyGithub's connection object is shared and not thread-safe, and GitHub asks for one request at
a time, so a lock stands around each operation. PyGithub repeats POST on 5xx (a comment was posted twice), so only GET
is repeated here and a POST whose answer was lost is looked up.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pithy_local.errors import PithyError
from pithy_local.forge.base import PullRequest, RepoInfo, checked_slug
from pithy_local.forge.github_errors import mapped

if TYPE_CHECKING:
    from github import Github
    from github.PullRequest import PullRequest as RemotePullRequest
    from github.Repository import Repository

TIMEOUT = 15  # seconds, for connecting and for each read
RETRIES = 3
WRITE_PAUSE = 1.0  # as GitHub asks for


class GitHubForge:
    """Implements `Forge`. `token` "" = anonymous: public repositories can be read."""

    def __init__(
        self,
        *,
        api_url: str,
        token: str,
        rate_limit_wait: float = 60.0,
        retry_pause: float = 0.5,
        write_pause: float = WRITE_PAUSE,
    ) -> None:
        """`rate_limit_wait`: the longest wait in seconds for a rate limit within one GET; a longer one is an error.
        `retry_pause`: seconds before the first repetition of a GET, doubled for each further one.
        `write_pause`: seconds between two writes."""
        self._api_url = api_url
        self._token = token
        self._rate_limit_wait = rate_limit_wait
        self._retry_pause = retry_pause
        self._write_pause = write_pause
        self._lock = threading.Lock()
        self._github: Github | None = None

    def login(self) -> str:
        with self._asking("the account") as github:
            return str(github.get_user().raw_data["login"])

    def repository(self, slug: str) -> RepoInfo:
        with self._repository(slug) as repo:
            # The raw answer: PyGithub's attributes are None where something else than GitHub answered.
            data = repo.complete().raw_data
            may = data.get("permissions") or {}  # absent without a token
            return RepoInfo(
                clone_url=data["clone_url"], default_branch=data["default_branch"],
                can_push=bool(may.get("push")), archived=bool(data.get("archived")),
            )  # fmt: skip

    def find_pr(self, slug: str, branch: str) -> PullRequest | None:
        with self._repository(slug) as repo:
            return _find(repo, slug, branch)

    def open_pr(self, slug: str, *, head: str, base: str, title: str, body: str, draft: bool) -> PullRequest:
        with self._repository(slug) as repo:
            existing = _find(repo, slug, head)
            if existing is not None:
                return existing
            try:
                return _record(repo.create_pull(base=base, head=head, title=title, body=body, draft=draft))
            except Exception as error:
                failure = mapped(error, slug)
                if not _may_exist(failure):
                    raise failure from None
                return self._after_all(repo, slug, head, failure)

    def close(self) -> None:
        with self._lock:
            if self._github is not None:
                self._github.close()
                self._github = None

    def _after_all(self, repo: Repository, slug: str, head: str, failure: PithyError) -> PullRequest:
        """The pull request that exists although creating it failed; else `failure` is raised."""
        try:
            existing = _find(repo, slug, head)
        except Exception:
            existing = None  # what went wrong first says more
        if existing is None:
            raise failure from None
        return existing

    @contextmanager
    def _repository(self, slug: str) -> Iterator[Repository]:
        """The repository, not asked for yet; whatever fails inside becomes a PithyError."""
        checked_slug(slug)
        with self._asking(slug) as github:
            yield github.get_repo(slug)

    @contextmanager
    def _asking(self, what: str) -> Iterator[Github]:
        """The one client; whatever fails inside becomes a PithyError about `what`."""
        with self._lock:
            try:
                if self._github is None:
                    self._github = self._connect()
                yield self._github
            except PithyError:
                raise
            except Exception as error:
                # `from None`: the chain could show a request's headers in a traceback.
                raise mapped(error, what) from None

    def _connect(self) -> Github:
        from github import Auth, Github, GithubRetry

        _silence()
        retry = GithubRetry(
            total=RETRIES,
            backoff_factor=self._retry_pause,
            max_rate_limit_wait=self._rate_limit_wait,
            allowed_methods={"GET"},
            respect_retry_after_header=False,  # it is slept without any bound
            raise_on_status=False,  # the last answer says more than "too many 502 responses"
        )
        return Github(
            auth=Auth.Token(self._token) if self._token else None,
            base_url=self._api_url.rstrip("/"),
            user_agent="pithy-local",
            timeout=TIMEOUT,
            retry=retry,
            seconds_between_requests=None,
            seconds_between_writes=self._write_pause,
            lazy=True,
        )


def _silence() -> None:
    """PyGithub puts a handler on stderr at import, which tears a terminal interface."""
    logger = logging.getLogger("github")
    logger.handlers[:] = [logging.NullHandler()]


def _find(repo: Repository, slug: str, branch: str) -> PullRequest | None:
    """Without an owner in `head` GitHub lists all pull requests; with a wrong one it ignores it: so compare."""
    owner = slug.partition("/")[0]
    for found in repo.get_pulls(state="open", head=f"{owner}:{branch}"):
        origin = found.head.raw_data.get("repo") or {}  # null once a fork was deleted
        if found.head.ref == branch and origin.get("full_name", "").lower() == slug.lower():
            return _record(found)
    return None


def _record(found: RemotePullRequest) -> PullRequest:
    if not found.html_url:
        raise ValueError("this is no pull request")
    return PullRequest(number=found.number, url=found.html_url, head_sha=found.head.sha, body=found.body or "")


def _may_exist(failure: PithyError) -> bool:
    """Whether the request may have done its work, now (no answer, 5xx) or before (422 already exists)."""
    status = failure.detail.get("http_status")
    return status is None or status == 422 or status >= 500
