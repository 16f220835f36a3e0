"""A loopback GitHub that holds every request and every answer of its own against GitHub's description of the API.

Built operations: GET /user, /rate_limit, /repos/{o}/{r}, …/branches/{b}, …/git/ref/{ref}, …/pulls, …/pulls/{n},
…/pulls/{n}/comments, …/pulls/{n}/reviews; POST …/pulls; PATCH …/pulls/{n}.
The base URL has no path: `Github(base_url=fake.url, auth=…)`.
Rules that the description does not hold (rights, visibility, what POST refuses) are in `github_state`; what a test
puts there in `github_world`, what it lets go wrong in `github_faults`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, TypeVar
from urllib.parse import urlencode

from tests.fakes.contract import Match, load_contract
from tests.fakes.faults import Drop, Fail, Hold, LoseAnswer
from tests.fakes.github_bodies import Bodies
from tests.fakes.github_state import DOCS, Account, Refused, Repo
from tests.fakes.github_world import GitHubWorld
from tests.fakes.loopback import Exchange, Request

T = TypeVar("T")

RATE_LIMIT = 5000


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to the fake, as tests look at it. It never holds a token."""

    operation: str
    """GitHub's id, e.g. `pulls/create`; empty where the contract has no such operation."""
    method: str
    path: str
    query: dict[str, str]
    body: Any
    """JSON data, None where there was no body or no JSON."""
    login: str | None
    """Whose token it was, None without one or with a wrong one."""
    status: int | None
    """Status answered, None where the answer was lost."""


@dataclass(frozen=True, kw_only=True)
class _Ask:
    """What the handler of one operation gets."""

    account: Account | None
    path: dict[str, str]
    query: dict[str, str]
    body: Any


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


class FakeGitHub(GitHubWorld):
    """GitHub over the bare repositories of a test.

    `violations` names every request outside the contract (answered 500) and every answer of the fake's own outside
    it: a test asserts that it is empty. Git itself is served by `GitHttpServer`, whose URL is the `clone_url` here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.rate_remaining = RATE_LIMIT
        self.clock_offset = 0.0
        """Seconds by which the Date header is ahead of this machine's clock."""
        self._contract = load_contract()

    def called(self, operation: str) -> list[Call]:
        """The calls of one operation, in order."""
        with self.lock:
            return [call for call in self.calls if call.operation == operation]

    def serve(self, exchange: Exchange) -> None:
        # The one header that the stdlib's server writes by itself.
        exchange._handler.date_time_string = self._date  # type: ignore[method-assign]
        request = exchange.request
        match = self._contract.match(request.method, request.path)
        operation = match.operation if match else ""
        fault = self._faults.take(operation)
        if isinstance(fault, Hold) and not exchange.wait(fault.gate, watch_client=False):
            exchange.cut()
            return
        if isinstance(fault, Drop):
            self._record(request, operation, None)
            exchange.cut()
            return
        if isinstance(fault, Fail):
            self._record(request, operation, fault.status)
            exchange.send(fault.status, fault.body, self._headers(None) | dict(fault.headers))
            return
        with self.lock:
            answer = self._answer(request, match)
        lost = isinstance(fault, LoseAnswer)
        # Recorded first: a client that has its answer may look at the calls at once.
        self._record(request, operation, None if lost else answer.status)
        if lost:
            exchange.cut()
        else:
            exchange.send(answer.status, json.dumps(answer.body).encode(), answer.headers)

    def _answer(self, request: Request, match: Match | None) -> _Answer:
        handler = _HANDLERS.get(match.operation) if match else None
        if match is None or handler is None:
            where = "built in the fake" if match else "in the contract"
            return self._violated([f"{request.method} {request.path}: no such operation {where}"])
        problems = self._contract.request_problems(match, request.query, request.body)
        if "user-agent" not in request.headers:
            problems.append("rule: GitHub wants a User-Agent")
        if problems:
            return self._violated([f"request of {match.operation}: {problem}" for problem in problems])
        account: Account | None = None
        headers: dict[str, str] = {}
        try:
            account = self._state.account(request.headers.get("authorization"))
            body = json.loads(request.body) if request.body else None
            ask = _Ask(account=account, path=match.path, query=dict(request.query), body=body)
            status, result, headers = handler(self, ask)
        except Refused as refused:
            status, result = refused.status, refused.body
        problems = self._contract.answer_problems(match.operation, status, result)
        if problems:
            return self._violated([f"own answer to {match.operation}: {problem}" for problem in problems])
        counts = match.operation != "rate-limit/get"
        self.rate_remaining -= counts
        return _Answer(status=status, body=result, headers=self._headers(account) | headers)

    def _violated(self, problems: list[str]) -> _Answer:
        self.violations += problems
        return _Answer(
            status=500, body={"message": "; ".join(problems), "documentation_url": DOCS}, headers=self._headers(None)
        )

    def _headers(self, account: Account | None) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Request-Id": f"FAKE:{len(self.calls) + 1:04X}",
            "X-RateLimit-Limit": str(RATE_LIMIT),
            "X-RateLimit-Remaining": str(self.rate_remaining),
            "X-RateLimit-Used": str(RATE_LIMIT - self.rate_remaining),
            "X-RateLimit-Reset": str(int(time.time()) + 3600),
            "X-RateLimit-Resource": "core",
        }
        if account is not None and account.scopes is not None:
            headers["X-OAuth-Scopes"] = ", ".join(account.scopes)
        if account is not None and account.expires is not None:
            headers["GitHub-Authentication-Token-Expiration"] = account.expires
        return headers

    def _date(self, timestamp: float | None = None) -> str:
        return formatdate(time.time() + self.clock_offset, usegmt=True)

    def _record(self, request: Request, operation: str, status: int | None) -> None:
        try:
            account = self._state.account(request.headers.get("authorization"))
        except Refused:
            account = None
        try:
            body = request.json() if request.body else None
        except ValueError:
            body = None
        call = Call(
            operation=operation, method=request.method, path=request.path, query=dict(request.query), body=body,
            login=account.login if account else None, status=status,
        )  # fmt: skip
        with self.lock:
            self.calls.append(call)

    @property
    def _bodies(self) -> Bodies:
        return Bodies(self._contract, self.url)

    def _repo(self, ask: _Ask) -> Repo:
        return self._state.visible(ask.account, f"{ask.path['owner']}/{ask.path['repo']}")

    def _get_user(self, ask: _Ask) -> _Result:
        if ask.account is None:
            raise Refused(401, "Requires authentication")
        return 200, self._bodies.me(ask.account), {}

    def _get_rate_limit(self, ask: _Ask) -> _Result:
        used = RATE_LIMIT - self.rate_remaining
        core = {"limit": RATE_LIMIT, "remaining": self.rate_remaining, "reset": int(time.time()) + 3600, "used": used}
        return 200, self._bodies.rate_limit(core), {}

    def _get_repo(self, ask: _Ask) -> _Result:
        return 200, self._bodies.repo(self._repo(ask), ask.account), {}

    def _get_branch(self, ask: _Ask) -> _Result:
        repo, branch = self._repo(ask), ask.path["branch"]
        sha = repo.sha(branch)
        if sha is None:
            raise Refused(404, "Branch not found")
        return 200, self._bodies.branch(repo, branch, sha), {}

    def _get_ref(self, ask: _Ask) -> _Result:
        repo, ref = self._repo(ask), ask.path["ref"]
        sha = repo.sha(ref.removeprefix("heads/")) if ref.startswith("heads/") else None
        if sha is None:
            raise Refused(404, "Not Found")
        return 200, self._bodies.ref(repo, ref, sha), {}

    def _list_pulls(self, ask: _Ask) -> _Result:
        found = self._state.listed(
            self._repo(ask),
            state=ask.query.get("state", "open"),
            head=ask.query.get("head"),
            base=ask.query.get("base"),
        )
        if ask.query.get("direction") == "asc":
            found.reverse()
        shown, headers = self._page(ask, "pulls", found)
        for pr in shown:
            pr.follow_branch()
        return 200, [self._bodies.listed_pr(pr) for pr in shown], headers

    def _page(self, ask: _Ask, path: str, found: list[T]) -> tuple[list[T], dict[str, str]]:
        """The page asked for of a list below the repository, and the header that leads to the next one."""
        size, page = min(int(ask.query.get("per_page", 30)), 100), int(ask.query.get("page", 1))
        headers = {}
        if page * size < len(found):
            following = urlencode(ask.query | {"page": page + 1})
            address = f"{self.url}/repos/{ask.path['owner']}/{ask.path['repo']}/{path}?{following}"
            headers["Link"] = f'<{address}>; rel="next"'
        return found[(page - 1) * size : page * size], headers

    def _create_pull(self, ask: _Ask) -> _Result:
        pr = self._state.create(self._repo(ask), ask.account, ask.body)
        body = self._bodies.pr(pr)
        return 201, body, {"Location": body["url"]}

    def _get_pull(self, ask: _Ask) -> _Result:
        return 200, self._bodies.pr(self._state.find(self._repo(ask), int(ask.path["pull_number"]))), {}

    def _list_comments(self, ask: _Ask) -> _Result:
        pr = self._state.find(self._repo(ask), int(ask.path["pull_number"]))
        newest_first = ask.query.get("direction") == "desc"
        shown, headers = self._page(ask, f"pulls/{pr.number}/comments", pr.comments[:: -1 if newest_first else 1])
        return 200, [self._bodies.comment(pr, comment) for comment in shown], headers

    def _list_reviews(self, ask: _Ask) -> _Result:
        pr = self._state.find(self._repo(ask), int(ask.path["pull_number"]))
        shown, headers = self._page(ask, f"pulls/{pr.number}/reviews", pr.reviews)
        return 200, [self._bodies.review(pr, review) for review in shown], headers

    def _update_pull(self, ask: _Ask) -> _Result:
        pr = self._state.find(self._repo(ask), int(ask.path["pull_number"]))
        self._state.update(pr, ask.account, ask.body or {})
        return 200, self._bodies.pr(pr), {}


_Result = tuple[int, Any, dict[str, str]]

_HANDLERS: dict[str, Callable[[FakeGitHub, _Ask], _Result]] = {
    "users/get-authenticated": FakeGitHub._get_user,
    "rate-limit/get": FakeGitHub._get_rate_limit,
    "repos/get": FakeGitHub._get_repo,
    "repos/get-branch": FakeGitHub._get_branch,
    "git/get-ref": FakeGitHub._get_ref,
    "pulls/list": FakeGitHub._list_pulls,
    "pulls/create": FakeGitHub._create_pull,
    "pulls/get": FakeGitHub._get_pull,
    "pulls/list-review-comments": FakeGitHub._list_comments,
    "pulls/list-reviews": FakeGitHub._list_reviews,
    "pulls/update": FakeGitHub._update_pull,
}
