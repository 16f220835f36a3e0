"""The JSON that the fake GitHub answers with: GitHub's own examples, filled with what is really there."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.fakes.contract import Contract
from tests.fakes.github_state import Account, Comment, PullRequest, Repo, Review

_EXAMPLE_REPO = "octocat/Hello-World"
_FAMILY = ("parent", "source", "organization", "template_repository")
"""Parts of GitHub's repository example that speak of other repositories or of an organisation."""


class Bodies:
    """Makes answer bodies. `url` is the fake's own: API and web pages have one origin here."""

    def __init__(self, contract: Contract, url: str) -> None:
        self._contract = contract
        self._url = url

    def user(self, login: str) -> dict[str, Any]:
        """A simple user, as it stands inside other objects."""
        example = self._contract.example("repos/get", 200)["owner"]
        kind = "Bot" if login.endswith("[bot]") else "User"
        return self._filled(example, {"octocat": quote(login)}) | {"login": login, "type": kind}

    def me(self, account: Account) -> dict[str, Any]:
        """Answer of GET /user."""
        return self._filled(self._contract.example("users/get-authenticated", 200), {"octocat": account.login})

    def repo(self, repo: Repo, account: Account | None) -> dict[str, Any]:
        """Answer of GET /repos/{owner}/{repo}; `permissions` only where somebody is logged in, as at GitHub."""
        example = self._contract.example("repos/get", 200)
        body = self._with_repo({k: v for k, v in example.items() if k not in _FAMILY}, repo)
        body.pop("permissions", None)
        if account is not None:
            push = account.push and repo.push
            body["permissions"] = {"admin": False, "maintain": False, "push": push, "triage": push, "pull": True}
        return body

    def branch(self, repo: Repo, branch: str, sha: str) -> dict[str, Any]:
        """Answer of GET /repos/{owner}/{repo}/branches/{branch}."""
        example = self._contract.example("repos/get-branch", 200)
        swaps = {_EXAMPLE_REPO: repo.full_name, example["commit"]["sha"]: sha, "/main": f"/{branch}"}
        return self._filled(example, swaps) | {"name": branch, "protected": False}

    def ref(self, repo: Repo, ref: str, sha: str) -> dict[str, Any]:
        """Answer of GET /repos/{owner}/{repo}/git/ref/{ref}; `ref` without `refs/`."""
        example = self._contract.example("git/get-ref", 200)
        return self._filled(
            example, {_EXAMPLE_REPO: repo.full_name, example["object"]["sha"]: sha, "heads/featureA": ref}
        )

    def rate_limit(self, core: dict[str, int]) -> dict[str, Any]:
        """Answer of GET /rate_limit."""
        body: dict[str, Any] = self._contract.example("rate-limit/get", 200)
        body["rate"] = body["resources"]["core"] = core
        return body

    def listed_pr(self, pr: PullRequest) -> dict[str, Any]:
        """A pull request as lists show it: without what GitHub computes for a single one."""
        return self._pull(self._contract.example("pulls/list", 200)[0], pr)

    def pr(self, pr: PullRequest) -> dict[str, Any]:
        """A pull request in full."""
        files, added, removed = pr.repo.change(pr.base, pr.head_sha)
        return self._pull(self._contract.example("pulls/get", 200), pr) | {
            "additions": added,
            "changed_files": files,
            "comments": 0,
            "commits": pr.repo.commits_between(pr.base, pr.head_sha) or 0,
            "deletions": removed,
            "maintainer_can_modify": False,
            "mergeable": True,
            "mergeable_state": "clean",
            "merged": False,
            "merged_by": None,
            "rebaseable": True,
        }

    def comment(self, pr: PullRequest, comment: Comment) -> dict[str, Any]:
        """A review comment. Of an outdated one GitHub says null for line and position, which its description does
        not allow: they are left out."""
        body = self._of_pr("pulls/list-review-comments", pr, comment.id, f"discussion_r{comment.id}") | {
            "body": comment.body, "commit_id": comment.commit, "original_commit_id": comment.commit,
            "path": comment.path, "start_line": comment.start_line, "pull_request_review_id": None,
            "subject_type": "file" if comment.on_file else "line", "user": self.user(comment.author),
        }  # fmt: skip
        for name in ("line", "position", "original_line", "original_position", "in_reply_to_id"):
            body.pop(name)
        if comment.line is not None:
            body |= {"line": comment.line, "position": comment.line, "original_line": comment.line}
        if comment.reply_to is not None:
            body["in_reply_to_id"] = comment.reply_to
        return body

    def review(self, pr: PullRequest, review: Review) -> dict[str, Any]:
        """A review, submitted the later the greater its id."""
        at = f"2026-01-02T{review.id // 60:02}:{review.id % 60:02}:00Z"
        return self._of_pr("pulls/list-reviews", pr, review.id, f"pullrequestreview-{review.id}") | {
            "body": review.body, "commit_id": review.commit, "state": review.state, "submitted_at": at,
            "user": self.user(review.author),
        }  # fmt: skip

    def _of_pr(self, operation: str, pr: PullRequest, number: int, anchor: str) -> dict[str, Any]:
        """GitHub's example of something that belongs to a pull request, moved to this one."""
        body = self._filled(self._contract.example(operation, 200)[0], {_EXAMPLE_REPO: pr.repo.full_name})
        api = f"{self._url}/repos/{pr.repo.full_name}/pulls/{pr.number}"
        page = f"{self._url}/{pr.repo.full_name}/pull/{pr.number}#{anchor}"
        body["_links"]["html"]["href"], body["_links"]["pull_request"]["href"] = page, api
        return body | {"id": number, "html_url": page, "pull_request_url": api}

    def _pull(self, example: dict[str, Any], pr: PullRequest) -> dict[str, Any]:
        full_name, number = pr.repo.full_name, pr.number
        swaps = {
            f"{_EXAMPLE_REPO}/pulls/1347": f"{full_name}/pulls/{number}",
            f"{_EXAMPLE_REPO}/pull/1347": f"{full_name}/pull/{number}",
            f"{_EXAMPLE_REPO}/issues/1347": f"{full_name}/issues/{number}",
            _EXAMPLE_REPO: full_name,
            "6dcb09b5b57875f334f61aebed695e2e4193db5e": pr.head_sha,
        }
        sides = {side: example[side]["repo"] for side in ("head", "base")}
        shas = {"head": (pr.head, pr.head_sha), "base": (pr.base, pr.repo.sha(pr.base) or "0" * 40)}
        body = self._filled(example, swaps) | {
            "active_lock_reason": None, "assignee": None, "assignees": [], "auto_merge": None,
            "body": pr.body, "closed_at": pr.closed_at, "created_at": pr.created_at, "draft": pr.draft,
            "id": pr.repo.id * 1000 + number, "labels": [], "locked": False, "merge_commit_sha": None,
            "merged_at": None, "milestone": None, "number": number, "requested_reviewers": [],
            "requested_teams": [], "state": pr.state, "title": pr.title, "updated_at": pr.created_at,
            "user": self.user(pr.author),
        }  # fmt: skip
        for side, (branch, sha) in shas.items():
            body[side] = {
                "label": f"{pr.repo.owner}:{branch}", "ref": branch, "sha": sha,
                "repo": self._with_repo(sides[side], pr.repo), "user": self.user(pr.repo.owner),
            }  # fmt: skip
        return body

    def _with_repo(self, example: dict[str, Any], repo: Repo) -> dict[str, Any]:
        return self._filled(example, {_EXAMPLE_REPO: repo.full_name}) | {
            "id": repo.id,
            "name": repo.name,
            "full_name": repo.full_name,
            "owner": self.user(repo.owner),
            "private": repo.private,
            "clone_url": repo.clone_url,
            "default_branch": repo.default_branch,
            "language": None,
            "mirror_url": None,
        }

    def _filled(self, example: dict[str, Any], swaps: dict[str, str]) -> dict[str, Any]:
        """The example with GitHub's origins and then `swaps` exchanged in all its text, in the order given."""
        text = json.dumps(example)
        origins = {"https://api.github.com": self._url, "https://github.com": self._url}
        for old, new in {**origins, **swaps}.items():
            text = text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
        filled: dict[str, Any] = json.loads(text)
        return filled
