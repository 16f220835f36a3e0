"""The GitHub forge: the real PyGithub against a loopback GitHub that holds it to GitHub's own description."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.forge.base import PullRequest
from pithy_local.forge.github import GitHubForge
from tests.fakes.github import FakeGitHub
from tests.fakes.github_state import Repo
from tests.forge.conftest import BRANCH, SLUG, TOKEN, opened, refused
from tests.support import branch_sha, git


def test_a_repository_is_known_by_what_the_api_says(forge: GitHubForge) -> None:
    info = forge.repository("Octo-Org/Hello")

    assert info.clone_url == "https://git.example.org/octo-org/hello.git"
    assert (info.default_branch, info.can_push, info.archived) == ("main", True, False)


def test_a_token_without_the_right_to_push_is_seen(github: FakeGitHub, repo: Repo) -> None:
    github.add_token(TOKEN, push=False)

    assert GitHubForge(api_url=github.url, token=TOKEN).repository(SLUG).can_push is False


def test_without_a_token_a_public_repository_can_be_read_but_not_pushed_to(github: FakeGitHub, repo: Repo) -> None:
    github.add_repo("octo-org/public", repo.bare, clone_url="https://git.example.org/p.git", private=False)

    assert GitHubForge(api_url=github.url, token="").repository("octo-org/public").can_push is False


def test_the_token_says_whose_it_is_and_what_it_may(forge: GitHubForge, github: FakeGitHub) -> None:
    github.add_token(TOKEN, login="ada", scopes=("repo", "workflow"), expires="2026-12-31 23:59:59 UTC")
    github.clock_offset = 3600

    account = forge.account()

    assert (account.login, account.scopes) == ("ada", ("repo", "workflow"))
    assert account.expires == 1_798_761_599_000
    assert account.date is not None
    assert abs(account.date / 1000 - time.time() - 3600) < 60


def test_of_a_fine_grained_token_no_scopes_are_known(forge: GitHubForge, github: FakeGitHub) -> None:
    github.add_token(TOKEN, scopes=None)

    account = forge.account()

    assert (account.scopes, account.expires) == (None, None)


def test_a_hostile_login_is_made_safe(forge: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next("users/get-authenticated", 200, {"login": "ada\x1b[2J" + "x" * 1000})

    assert forge.account().login == "ada" + "x" * 96 + "…"


def test_an_unknown_repository_is_unreachable(forge: GitHubForge) -> None:
    with pytest.raises(PithyError) as caught:
        forge.repository("octo-org/missing")

    assert caught.value.code is ErrorCode.REPO_UNREACHABLE
    assert caught.value.detail["http_status"] == 404
    assert "octo-org/missing" in caught.value.message


def test_a_wrong_token_is_an_authentication_error(github: FakeGitHub, repo: Repo) -> None:
    error = refused(GitHubForge(api_url=github.url, token="wrong" + TOKEN), ErrorCode.GITHUB_AUTH)

    assert error.detail["http_status"] == 401
    assert error.detail["message"] == "Bad credentials"
    assert error.detail["documentation_url"].startswith("https://docs.github.com")
    assert error.detail["request_id"].startswith("FAKE:")


def test_a_pull_request_is_opened_with_title_body_and_base(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    pr = opened(forge, base="other-base", draft=True)

    (call,) = github.called("pulls/create")
    assert call.body == {
        "title": "Pithy Jaunt: hi", "body": "the body", "head": BRANCH, "base": "other-base", "draft": True,
    }  # fmt: skip
    assert (pr.number, pr.body) == (1, "the body")
    assert pr.head_sha == branch_sha(repo.bare, BRANCH)
    assert pr.url.endswith(f"/{SLUG}/pull/1")


def test_an_open_pull_request_is_adopted_without_a_write(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    github.open_pr(repo, BRANCH, body="opened before")

    pr = opened(forge)

    assert (pr.number, pr.body) == (1, "opened before")
    assert github.called("pulls/create") == []


def test_what_github_finds_wrong_is_said(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    git("update-ref", f"refs/heads/{BRANCH}", "main", cwd=repo.bare)

    error = refused(forge, ErrorCode.GITHUB_ERROR)

    assert error.message == f"GitHub answered 422: Validation Failed: No commits between main and {BRANCH}"
    assert error.detail["http_status"] == 422
    assert "delivers again" in error.hint
    assert len(github.called("pulls/create")) == 1


def test_a_base_that_is_gone_is_said(forge: GitHubForge, github: FakeGitHub) -> None:
    with pytest.raises(PithyError, match="422: Validation Failed: base invalid"):
        opened(forge, base="nope")

    assert len(github.called("pulls/create")) == 1


def test_a_token_that_may_not_open_pull_requests_is_an_authentication_error(github: FakeGitHub, repo: Repo) -> None:
    github.add_token(TOKEN, pull_requests=False)

    error = refused(GitHubForge(api_url=github.url, token=TOKEN), ErrorCode.GITHUB_AUTH)

    assert error.detail["http_status"] == 403


@pytest.mark.parametrize("answer", [b"<html>captive portal</html>", b"{}", b"[]", b'"text"', b""])
def test_an_answer_of_somebody_else_is_an_error(forge: GitHubForge, github: FakeGitHub, answer: bytes) -> None:
    github.fail_next("repos/get", 200, answer, times=4)

    with pytest.raises(PithyError) as caught:
        forge.repository(SLUG)

    assert caught.value.code is ErrorCode.GITHUB_ERROR


@pytest.mark.parametrize("answer", [b"<html>captive portal</html>", b"{}", b'{"html_url": "javascript:alert(1)"}'])
def test_a_pull_request_is_not_believed_without_its_address(
    forge: GitHubForge, github: FakeGitHub, answer: bytes
) -> None:
    github.fail_next("pulls/create", 201, answer, times=4)

    refused(forge, ErrorCode.GITHUB_ERROR)


def test_an_unreachable_github_is_said_without_a_status(repo: Repo) -> None:
    with socket.socket() as taken:  # bound, not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        forge = GitHubForge(api_url=f"http://127.0.0.1:{taken.getsockname()[1]}", token=TOKEN, waits=(0,))

        error = refused(forge, ErrorCode.GITHUB_ERROR)

    assert error.message == "GitHub cannot be reached"
    assert error.detail == {}


def test_hostile_words_in_an_answer_are_made_safe(forge: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next("pulls/create", 418, {"message": "teapot\x1b[2J\nnext " + "x" * 1000})

    error = refused(forge, ErrorCode.GITHUB_ERROR)

    assert error.detail["message"].startswith("teapot ⏎ next xxx")
    assert len(error.detail["message"]) == 500


def test_only_the_open_pull_request_of_that_very_branch_is_found(
    forge: GitHubForge, github: FakeGitHub, repo: Repo
) -> None:
    git("update-ref", "refs/heads/somebody-elses", f"refs/heads/{BRANCH}", cwd=repo.bare)
    github.open_pr(repo, "somebody-elses")

    assert forge.find_pr(SLUG, BRANCH) is None
    assert forge.find_pr(SLUG, "somebody-elses") is not None


def test_calls_from_many_threads_do_not_mix(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    branches = [f"pj/task{n}" for n in range(6)]
    for branch in branches:
        git("update-ref", f"refs/heads/{branch}", f"refs/heads/{BRANCH}", cwd=repo.bare)

    def deliver(branch: str) -> PullRequest:
        return forge.open_pr(SLUG, head=branch, base="main", title=branch, body=branch, draft=False)

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(deliver, branches))

    assert [pr.body for pr in made] == branches
    assert sorted(pr.head for pr in github.prs) == branches


def test_the_token_is_in_no_debug_log(forge: GitHubForge, github: FakeGitHub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        opened(forge)

    assert "pulls" in caplog.text
    assert TOKEN not in caplog.text


def test_pygithub_writes_nothing_to_the_terminal(forge: GitHubForge, github: FakeGitHub,
                                                 capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    github.fail_next("pulls/list", 503)

    opened(forge)

    assert capfd.readouterr() == ("", "")
    assert not any(type(handler) is logging.StreamHandler for handler in logging.getLogger("github").handlers)
