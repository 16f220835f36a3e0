"""GitHub through PyGithub: repositories, pull requests, their reviews.

Facts behind the shape: PyGithub's connection object is shared and not thread-safe, and GitHub asks for one request at
a time, so a lock stands around each request and is free while one waits. PyGithub's own retries post twice after a
lost answer, sleep a Retry-After without any bound and cannot be interrupted: they are off, `retry` is used instead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from pithy_local.errors import PithyError
from pithy_local.forge.base import Account, Finding, PullRequest, RepoInfo, checked_slug, is_web_url
from pithy_local.forge.coderabbit import by_weight, findings
from pithy_local.forge.github_errors import mapped, pause_after, pause_after_create
from pithy_local.forge.github_headers import date_ms, expiry_ms, scopes
from pithy_local.retry import WAITS, Wait, retried
from pithy_local.text import clip, safe_line

if TYPE_CHECKING:
    from github import Github
    from github.PullRequest import PullRequest as RemotePullRequest
    from github.Repository import Repository

T = TypeVar("T")

TIMEOUT = 15  # seconds, for connecting and for each read
WRITE_PAUSE = 1.0  # as GitHub asks for
REVIEWED = 10
"""Other open pull requests whose reviews are read, the newest ones: two requests each."""
MAX_LOOKED_AT = 300
"""Pull requests that a search for one branch goes through: a forge that ignores the filter lists them all."""
MAX_LOGIN = 100
_IMPORTING = threading.Lock()
"""PyGithub imports itself in circles: of two threads that begin with it at once one sees half of a module."""


class GitHubForge:
    """Implements `Forge`. `token` "" = anonymous: public repositories can be read."""

    def __init__(
        self,
        *,
        api_url: str,
        token: str,
        waits: Sequence[float] = WAITS,
        rate_limit_wait: float = 60.0,
        write_pause: float = WRITE_PAUSE,
    ) -> None:
        """`waits`: seconds before each repetition of a request that failed for now.
        `rate_limit_wait`: the longest wait in seconds for a rate limit; a longer one is an error.
        `write_pause`: seconds between two writes."""
        self._api_url = api_url
        self._token = token
        self._waits = tuple(waits)
        self._rate_limit_wait = rate_limit_wait
        self._write_pause = write_pause
        self._lock = threading.Lock()
        self._github: Github | None = None

    def account(self) -> Account:
        def ask(github: Github) -> Account:
            user = github.get_user()
            login = clip(safe_line(str(user.raw_data["login"])), MAX_LOGIN)
            headers = {name.lower(): str(value) for name, value in user.raw_headers.items()}
            return Account(login=login, scopes=scopes(headers), expires=expiry_ms(headers), date=date_ms(headers))

        return self._ask("the account", ask, time.sleep)

    def repository(self, slug: str, *, wait: Wait | None = time.sleep) -> RepoInfo:
        return self._of_repository(slug, _info, wait)

    def find_pr(self, slug: str, branch: str, *, wait: Wait = time.sleep) -> PullRequest | None:
        return self._of_repository(slug, lambda repo: _find(repo, slug, branch), wait)

    def open_pr(
        self, slug: str, *, head: str, base: str, title: str, body: str, draft: bool, wait: Wait = time.sleep
    ) -> PullRequest:
        def create(repo: Repository) -> PullRequest:
            return _record(repo.create_pull(base=base, head=head, title=title, body=body, draft=draft))

        for planned in (*self._waits, None):
            existing = self.find_pr(slug, head, wait=wait)
            if existing is not None:
                return existing
            try:
                return self._of_repository(slug, create, None)
            except PithyError as error:
                failure = error
            pause = pause_after_create(failure, planned or 0.0, self._rate_limit_wait)
            if pause is None:
                raise failure
            if planned is not None:
                wait(pause)
        return self._after_all(slug, head, failure, wait)

    def review_findings(
        self, slug: str, branch: str, *, limit: int = 20, wait: Wait = time.sleep
    ) -> tuple[Finding, ...]:
        own = self.find_pr(slug, branch, wait=wait)
        first = [own.number] if own is not None else []
        newest = {"state": "open", "sort": "created", "direction": "desc", "per_page": REVIEWED + 1}
        listed = [pr.get("number") for pr in self._list(slug, "pulls", newest, wait)]
        others = [number for number in listed if isinstance(number, int) and number not in first]
        found = []
        for number in first + others[:REVIEWED]:
            comments = {"sort": "created", "direction": "desc", "per_page": 100}
            found += findings(
                self._list(slug, f"pulls/{number}/comments", comments, wait),
                self._list(slug, f"pulls/{number}/reviews", {"per_page": 100}, wait),
            )
        return tuple(by_weight(found)[:limit])

    def close(self) -> None:
        with self._lock:
            if self._github is not None:
                self._github.close()
                self._github = None

    def _after_all(self, slug: str, head: str, failure: PithyError, wait: Wait) -> PullRequest:
        """The pull request that exists although creating it failed; else `failure` is raised."""
        try:
            existing = self.find_pr(slug, head, wait=wait)
        except PithyError:
            existing = None  # what went wrong first says more
        if existing is None:
            raise failure
        return existing

    def _list(self, slug: str, path: str, query: Mapping[str, object], wait: Wait) -> list[Mapping[str, Any]]:
        """The first page of a list below the repository, as it came."""
        checked_slug(slug)

        def ask(github: Github) -> list[Mapping[str, Any]]:
            _, data = github.requester.requestJsonAndCheck("GET", f"/repos/{slug}/{path}", parameters=dict(query))
            entries: Any = data
            if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
                raise TypeError("this is no list of objects")
            return entries

        return self._ask(slug, ask, wait)

    def _of_repository(self, slug: str, ask: Callable[[Repository], T], wait: Wait | None) -> T:
        """What `ask` says of the repository, which is not asked for yet."""
        checked_slug(slug)
        return self._ask(slug, lambda github: ask(github.get_repo(slug)), wait)

    def _ask(self, what: str, ask: Callable[[Github], T], wait: Wait | None) -> T:
        """What `ask` returns; whatever fails becomes a PithyError about `what`. `wait` None: no second try."""

        def pause(failure: PithyError, planned: float) -> float | None:
            return pause_after(failure, planned, self._rate_limit_wait)

        if wait is None:
            return self._once(what, ask)
        return retried(lambda: self._once(what, ask), pause, waits=self._waits, wait=wait)

    def _once(self, what: str, ask: Callable[[Github], T]) -> T:
        with self._lock:
            try:
                if self._github is None:
                    self._github = self._connect()
                return ask(self._github)
            except Exception as error:
                # `from None`: the chain could show a request's headers in a traceback.
                raise mapped(error, what) from None

    def _connect(self) -> Github:
        with _IMPORTING:
            from github import Auth, Github

        _silence()
        return Github(
            auth=Auth.Token(self._token) if self._token else None,
            base_url=self._api_url.rstrip("/"),
            user_agent="pithy-local",
            timeout=TIMEOUT,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=self._write_pause,
            lazy=True,
        )


def _silence() -> None:
    """PyGithub puts a handler on stderr at import, which tears a terminal interface."""
    logger = logging.getLogger("github")
    logger.handlers[:] = [logging.NullHandler()]


def _info(repo: Repository) -> RepoInfo:
    # The raw answer: PyGithub's attributes are None where something else than GitHub answered.
    data = repo.complete().raw_data
    may = data.get("permissions") or {}  # absent without a token
    return RepoInfo(
        clone_url=str(data["clone_url"]), default_branch=str(data["default_branch"]),
        can_push=bool(may.get("push")), archived=bool(data.get("archived")),
    )  # fmt: skip


def _find(repo: Repository, slug: str, branch: str) -> PullRequest | None:
    """Without an owner in `head` GitHub lists all pull requests; with a wrong one it ignores it: so compare."""
    owner = slug.partition("/")[0]
    for found in islice(repo.get_pulls(state="open", head=f"{owner}:{branch}"), MAX_LOOKED_AT):
        origin = found.head.raw_data.get("repo") or {}  # null once a fork was deleted
        if found.head.ref == branch and origin.get("full_name", "").lower() == slug.lower():
            return _record(found)
    return None


def _record(found: RemotePullRequest) -> PullRequest:
    if not is_web_url(found.html_url):
        raise ValueError("this is no pull request")
    return PullRequest(number=found.number, url=found.html_url, head_sha=found.head.sha, body=found.body or "")
