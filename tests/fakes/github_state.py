"""What the fake GitHub knows: accounts, repositories over real bare git repositories, pull requests.

The rules of this module lie outside GitHub's schema. They are written by hand after GitHub's documentation and
its known answers; each refusal carries GitHub's own words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import branch_sha, git, run_git

DOCS = "https://docs.github.com/rest"
TITLE_LIMIT = 256
BODY_LIMIT = 65536
CODERABBIT = "coderabbitai[bot]"
"""The account that CodeRabbit's reviews come from."""


class Refused(Exception):
    """GitHub says no: a status and the body of the answer."""

    def __init__(self, status: int, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, "documentation_url": DOCS, "status": str(status)}
        if errors is not None:
            self.body["errors"] = errors


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who a token belongs to and what it may do."""

    login: str
    scopes: tuple[str, ...] | None
    """Scopes of a classic token; None is a fine-grained one, for which GitHub sends no X-OAuth-Scopes."""
    push: bool
    pull_requests: bool
    repos: frozenset[str] | None
    """Lower-case full names this token sees, None for all."""
    expires: str | None = None
    """When the token ends, in GitHub's words; None: nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Repo:
    """A repository of the fake and the bare git repository behind it."""

    id: int
    full_name: str
    bare: Path
    clone_url: str
    default_branch: str
    push: bool
    private: bool

    @property
    def owner(self) -> str:
        return self.full_name.split("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.split("/")[1]

    def sha(self, branch: str) -> str | None:
        """Tip of `branch` in the git repository, None where there is none."""
        return branch_sha(self.bare, branch)

    def commits_between(self, base: str, head: str) -> int | None:
        """How many commits `head` has that `base` has not; None where they share no history."""
        if run_git("merge-base", base, head, cwd=self.bare).returncode != 0:
            return None
        return int(git("rev-list", "--count", f"{base}..{head}", cwd=self.bare))

    def change(self, base: str, head: str) -> tuple[int, int, int]:
        """(files, lines added, lines removed) of what a pull request from `head` to `base` shows."""
        rows = [row.split("\t") for row in git("diff", "--numstat", f"{base}...{head}", cwd=self.bare).splitlines()]
        return len(rows), sum(int(r[0]) for r in rows if r[0] != "-"), sum(int(r[1]) for r in rows if r[1] != "-")


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A review comment; `line` None with `on_file` False is an outdated one."""

    id: int
    path: str
    line: int | None
    start_line: int | None
    on_file: bool
    body: str
    author: str
    reply_to: int | None
    commit: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """A review: `body` is its text, `commit` what was reviewed."""

    id: int
    body: str
    author: str
    state: str
    commit: str


@dataclass(kw_only=True)
class PullRequest:
    """A pull request as the fake keeps it; `head_sha` follows the branch while it is open."""

    number: int
    repo: Repo
    title: str
    body: str | None
    head: str
    base: str
    head_sha: str
    author: str
    draft: bool = False
    state: str = "open"
    created_at: str = "2026-01-02T03:04:05Z"
    closed_at: str | None = None
    comments: list[Comment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)

    def follow_branch(self) -> None:
        """Read the head from git, as GitHub shows a push at once; a deleted branch leaves the last commit known."""
        if self.state == "open":
            self.head_sha = self.repo.sha(self.head) or self.head_sha


@dataclass(kw_only=True)
class State:
    """Everything the fake GitHub keeps. Not locked: the server does that."""

    accounts: dict[str, Account] = field(default_factory=dict)
    """By token."""
    repos: dict[str, Repo] = field(default_factory=dict)
    """By full name in lower case."""
    prs: list[PullRequest] = field(default_factory=list)

    def account(self, authorization: str | None) -> Account | None:
        """Who asks; None without credentials; Refused 401 for unknown ones.

        Rule: GitHub takes `Bearer` and `token`, in any case.
        """
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        account = self.accounts.get(token.strip())
        if scheme.lower() not in ("bearer", "token") or account is None:
            raise Refused(401, "Bad credentials")
        return account

    def visible(self, account: Account | None, full_name: str) -> Repo:
        """The repository of this name. Rule: what one may not see is 404, as if it did not exist."""
        repo = self.repos.get(full_name.lower())
        hidden = account is not None and account.repos is not None and full_name.lower() not in account.repos
        if repo is None or hidden or (account is None and repo.private):
            raise Refused(404, "Not Found")
        return repo

    def find(self, repo: Repo, number: int) -> PullRequest:
        """The pull request of this number; Refused 404."""
        for pr in self.prs:
            if pr.repo is repo and pr.number == number:
                pr.follow_branch()
                return pr
        raise Refused(404, "Not Found")

    def listed(self, repo: Repo, *, state: str, head: str | None, base: str | None) -> list[PullRequest]:
        """Pull requests, newest first. Rule: GitHub ignores a `head` filter that names no owner, and lists all."""
        owner, colon, branch = (head or "").partition(":")
        found = []
        for pr in reversed(self.prs):
            wrong_head = bool(colon) and (owner.lower(), branch) != (repo.owner.lower(), pr.head)
            wrong_rest = (state not in ("all", pr.state)) or (base is not None and base != pr.base)
            if pr.repo is repo and not wrong_head and not wrong_rest:
                found.append(pr)
        return found

    def create(self, repo: Repo, account: Account | None, wanted: dict[str, Any]) -> PullRequest:
        """Open a pull request as POST /repos/{owner}/{repo}/pulls does; Refused 401, 403 or 422."""
        author = _may_write(repo, account)
        title, body = wanted.get("title"), wanted.get("body")
        if not title:
            raise _invalid(code="missing_field", field="title")
        _check_text(title, body)
        head, base = _own_branch(repo, wanted["head"]), wanted["base"]
        head_sha = self._check_branches(repo, head, base)
        if any(pr.head == head for pr in self.listed(repo, state="open", head=None, base=base)):
            raise _custom(f"A pull request already exists for {repo.owner}:{head}.")
        pr = PullRequest(
            number=1 + max((pr.number for pr in self.prs if pr.repo is repo), default=0),
            repo=repo, title=title, body=body, head=head, base=base, head_sha=head_sha,
            author=author.login, draft=bool(wanted.get("draft", False)),
        )  # fmt: skip
        self.prs.append(pr)
        return pr

    def update(self, pr: PullRequest, account: Account | None, wanted: dict[str, Any]) -> None:
        """Change a pull request as PATCH does; Refused 401, 403 or 422."""
        _may_write(pr.repo, account)
        _check_text(wanted.get("title"), wanted.get("body"))
        if pr.repo.sha(wanted.get("base", pr.base)) is None:
            raise _invalid(code="invalid", field="base")
        for name in ("title", "body", "base", "state"):
            setattr(pr, name, wanted.get(name, getattr(pr, name)))
        pr.closed_at = pr.created_at if pr.state == "closed" else None

    def comment(
        self, pr: PullRequest, *, path: str, line: int | None, start_line: int | None, on_file: bool, body: str,
        author: str, reply_to: Comment | None,
    ) -> Comment:  # fmt: skip
        """Put a comment on a pull request's present commit."""
        pr.follow_branch()
        made = Comment(
            id=self._new_id(), path=path, line=line, start_line=start_line, on_file=on_file, body=body, author=author,
            reply_to=reply_to.id if reply_to else None, commit=pr.head_sha,
        )  # fmt: skip
        pr.comments.append(made)
        return made

    def review(self, pr: PullRequest, *, body: str, author: str, state: str) -> Review:
        """Put a review on a pull request's present commit."""
        pr.follow_branch()
        made = Review(id=self._new_id(), body=body, author=author, state=state, commit=pr.head_sha)
        pr.reviews.append(made)
        return made

    def _new_id(self) -> int:
        return 1 + sum(len(pr.comments) + len(pr.reviews) for pr in self.prs)

    def _check_branches(self, repo: Repo, head: str, base: str) -> str:
        if repo.sha(base) is None:
            raise _invalid(code="invalid", field="base")
        head_sha = repo.sha(head)
        if head_sha is None:
            raise _invalid(code="invalid", field="head")
        commits = repo.commits_between(base, head)
        if commits is None:
            raise _custom(f"The {head} branch has no history in common with {base}")
        if commits == 0:
            raise _custom(f"No commits between {base} and {head}")
        return head_sha


def _may_write(repo: Repo, account: Account | None) -> Account:
    """Rule: writing needs a token (401), and one with the right to it (403)."""
    if account is None:
        raise Refused(401, "Requires authentication")
    if not account.pull_requests:
        raise Refused(403, "Resource not accessible by personal access token")
    if not (account.push and repo.push):
        raise Refused(403, "Must have push access to the head branch's repository.")
    return account


def _check_text(title: str | None, body: str | None) -> None:
    """Rule: GitHub's limits, in characters."""
    if title is not None and len(title) > TITLE_LIMIT:
        raise _custom(f"title is too long (maximum is {TITLE_LIMIT} characters)", field="title")
    if body is not None and len(body) > BODY_LIMIT:
        raise _custom(f"body is too long (maximum is {BODY_LIMIT} characters)", field="body")


def _own_branch(repo: Repo, head: str) -> str:
    """`branch` or `owner:branch` as a branch of this repository: the fake has no forks."""
    owner, colon, branch = head.partition(":")
    if not colon:
        return head
    if owner.lower() != repo.owner.lower():
        raise _invalid(code="invalid", field="head")
    return branch


def _invalid(*, code: str, field: str) -> Refused:
    return Refused(422, "Validation Failed", [{"resource": "PullRequest", "field": field, "code": code}])


def _custom(message: str, **more: str) -> Refused:
    return Refused(
        422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", **more, "message": message}]
    )
