"""The GitHub forge: the real PyGithub against a loopback GitHub that holds it to GitHub's own description."""

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.forge.base import Forge, PullRequest
from pithy_local.forge.github import GitHubForge
from tests.fakes.github import FakeGitHub
from tests.fakes.github_state import Repo
from tests.support import branch_sha, commit_files, git, make_bare, make_repo

TOKEN = "ghp_CanaryCanaryCanaryCanaryCanary123456"
SLUG = "octo-org/hello"
BRANCH = "pj/0abc123def"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake
    assert fake.violations == []


@pytest.fixture
def repo(github: FakeGitHub, tmp_path: Path) -> Repo:
    """A repository with a branch of ours that is one commit ahead of main."""
    work = make_repo(tmp_path / "work", {"README": "hello\n"})
    git("checkout", "-q", "-b", BRANCH, cwd=work)
    commit_files(work, {"README": "hello, world\n"})
    git("branch", "other-base", "main", cwd=work)
    bare = make_bare(tmp_path / "hello.git", work)
    return github.add_repo(SLUG, bare, clone_url="https://git.example.org/octo-org/hello.git")


@pytest.fixture
def forge(github: FakeGitHub, repo: Repo) -> Iterator[GitHubForge]:
    github.add_token(TOKEN)
    made = GitHubForge(api_url=github.url, token=TOKEN, rate_limit_wait=0, retry_pause=0, write_pause=0)
    yield made
    made.close()


def opened(forge: Forge, *, base: str = "main", draft: bool = False) -> PullRequest:
    pr = forge.open_pr(SLUG, head=BRANCH, base=base, title="Pithy Jaunt: hi", body="the body", draft=draft)
    assert pr is not None
    return pr


def refused(forge: Forge, code: ErrorCode) -> PithyError:
    with pytest.raises(PithyError) as caught:
        opened(forge)
    error = caught.value
    assert error.code is code
    seen = json.dumps(error.to_json()) + "".join(traceback.format_exception(error)) + repr(forge)
    assert TOKEN not in seen
    return error


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


def test_the_token_says_whose_it_is(github: FakeGitHub) -> None:
    github.add_token("ghp_of_ada", login="ada")

    client = GitHubForge(api_url=github.url, token="ghp_of_ada")

    assert client.login() == "ada"
    client.close()


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


def test_a_pull_request_that_appears_meanwhile_is_adopted(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    github.open_pr(repo, BRANCH, body="opened meanwhile")
    github.fail_next("pulls/list", 200, [])

    pr = opened(forge)

    assert pr.body == "opened meanwhile"
    assert [call.status for call in github.called("pulls/create")] == [422]


def test_a_lost_answer_is_looked_up_and_nothing_is_opened_twice(forge: GitHubForge, github: FakeGitHub) -> None:
    github.lose_answer("pulls/create")

    pr = opened(forge)

    assert pr.number == 1
    assert len(github.called("pulls/create")) == len(github.prs) == 1


def test_a_service_error_on_a_write_is_not_repeated(forge: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next("pulls/create", 502)

    error = refused(forge, ErrorCode.GITHUB_ERROR)

    assert error.detail["http_status"] == 502
    assert len(github.called("pulls/create")) == 1
    assert github.prs == []


def test_a_service_error_on_a_read_is_repeated(forge: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next("repos/get", 503, times=2)

    assert forge.repository(SLUG).default_branch == "main"


def test_a_lasting_service_error_keeps_its_status(forge: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next("repos/get", 503, times=4)

    with pytest.raises(PithyError) as caught:
        forge.repository(SLUG)

    assert caught.value.code is ErrorCode.GITHUB_ERROR
    assert caught.value.detail["http_status"] == 503


def test_what_github_finds_wrong_is_said(forge: GitHubForge, repo: Repo) -> None:
    git("update-ref", f"refs/heads/{BRANCH}", "main", cwd=repo.bare)

    error = refused(forge, ErrorCode.GITHUB_ERROR)

    assert error.message == f"GitHub answered 422: Validation Failed: No commits between main and {BRANCH}"
    assert error.detail["http_status"] == 422


def test_a_token_that_may_not_open_pull_requests_is_an_authentication_error(github: FakeGitHub, repo: Repo) -> None:
    github.add_token(TOKEN, pull_requests=False)

    error = refused(GitHubForge(api_url=github.url, token=TOKEN), ErrorCode.GITHUB_AUTH)

    assert error.detail["http_status"] == 403


@pytest.mark.parametrize("operation", ["pulls/list", "pulls/create"])
def test_a_rate_limit_that_would_take_too_long_is_an_error_at_once(
    forge: GitHubForge, github: FakeGitHub, operation: str
) -> None:
    github.rate_limit_next(operation, reset_in=3600)

    error = refused(forge, ErrorCode.GITHUB_RATE_LIMIT)

    assert error.detail["http_status"] == 403


@pytest.mark.parametrize("answer", [b"<html>captive portal</html>", b"{}", b"[]", b'"text"', b""])
def test_an_answer_of_somebody_else_is_an_error(forge: GitHubForge, github: FakeGitHub, answer: bytes) -> None:
    github.fail_next("repos/get", 200, answer)

    with pytest.raises(PithyError) as caught:
        forge.repository(SLUG)

    assert caught.value.code is ErrorCode.GITHUB_ERROR


@pytest.mark.parametrize("answer", [b"<html>captive portal</html>", b"{}"])
def test_a_pull_request_is_not_believed_without_its_address(
    forge: GitHubForge, github: FakeGitHub, answer: bytes
) -> None:
    github.fail_next("pulls/create", 201, answer)

    refused(forge, ErrorCode.GITHUB_ERROR)


def test_an_unreachable_github_is_said_without_a_status(repo: Repo) -> None:
    with socket.socket() as taken:  # bound, not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        forge = GitHubForge(api_url=f"http://127.0.0.1:{taken.getsockname()[1]}", token=TOKEN, retry_pause=0)

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
