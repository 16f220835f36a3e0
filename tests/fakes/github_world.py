"""What a test puts into the fake GitHub: tokens, repositories, pull requests, reviews."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from tests.fakes.github_faults import GitHubFaults
from tests.fakes.github_state import CODERABBIT, Account, Comment, PullRequest, Repo, Review, State
from tests.fakes.loopback import LoopbackServer


class GitHubWorld(GitHubFaults, LoopbackServer):
    """The state behind `FakeGitHub`, and the ways to set it up and to look at it."""

    def __init__(self) -> None:
        super().__init__()
        self._state = State()

    @property
    def prs(self) -> list[PullRequest]:
        """All pull requests, oldest first, open ones at their branch's present commit."""
        with self.lock:
            for pr in self._state.prs:
                pr.follow_branch()
            return list(self._state.prs)

    def add_token(
        self,
        token: str,
        *,
        login: str = "pithy-tester",
        scopes: tuple[str, ...] | None = ("repo",),
        push: bool = True,
        pull_requests: bool = True,
        repos: Collection[str] | None = None,
        expires: str | None = None,
    ) -> None:
        """Let `token` in. `push=False`: `permissions.push` is false and POST is 403; `pull_requests=False`: a
        fine-grained token without that right, only POST and PATCH are 403; `repos`: all others are 404 to it;
        `expires`: what GitHub says of its end, `2026-12-31 23:59:59 UTC`."""
        names = None if repos is None else frozenset(name.lower() for name in repos)
        account = Account(
            login=login, scopes=scopes, push=push, pull_requests=pull_requests, repos=names, expires=expires
        )
        with self.lock:
            self._state.accounts[token] = account

    def remove_token(self, token: str) -> None:
        """Know `token` no more: it has expired."""
        with self.lock:
            del self._state.accounts[token]

    def add_repo(
        self,
        full_name: str,
        bare_path: Path,
        clone_url: str,
        default_branch: str = "main",
        push: bool = True,
        private: bool = True,
    ) -> Repo:
        """Show the bare git repository `bare_path` as `owner/name`. `push=False`: nobody may push to it."""
        with self.lock:
            repo = Repo(
                id=1000 + len(self._state.repos), full_name=full_name, bare=bare_path, clone_url=clone_url,
                default_branch=default_branch, push=push, private=private,
            )  # fmt: skip
            self._state.repos[full_name.lower()] = repo
            return repo

    def open_pr(self, repo: Repo, head: str, base: str = "main", title: str = "Seeded", body: str = "") -> PullRequest:
        """Put a pull request there as if somebody else had opened it; the same refusals as over the API."""
        someone = Account(login="somebody", scopes=None, push=True, pull_requests=True, repos=None)
        with self.lock:
            return self._state.create(repo, someone, {"title": title, "body": body, "head": head, "base": base})

    def add_comment(
        self, pr: PullRequest, path: str, line: int | None, body: str, *, author: str = CODERABBIT,
        start_line: int | None = None, reply_to: Comment | None = None, on_file: bool = False,
    ) -> Comment:  # fmt: skip
        """Put a review comment there; `line` None: it is outdated, or on the whole file."""
        with self.lock:
            return self._state.comment(
                pr, path=path, line=line, body=body, author=author, start_line=start_line, reply_to=reply_to,
                on_file=on_file,
            )  # fmt: skip

    def add_review(self, pr: PullRequest, body: str, *, author: str = CODERABBIT, state: str = "COMMENTED") -> Review:
        """Put a review there, of the branch's present commit."""
        with self.lock:
            return self._state.review(pr, body=body, author=author, state=state)
