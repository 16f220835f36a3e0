"""Where a repository is and what stands in the way: what `add` refuses, what it only warns of, each with a way out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError, UsageError
from pithy_local.forge.github import GitHubForge
from pithy_local.lifecycle.repository import Repositories
from pithy_local.paths import Home
from tests.fakes.git_http import FETCH, GitHttpServer, Right
from tests.fakes.github import FakeGitHub
from tests.support import git, make_bare, make_repo

TOKEN = "ghp_CanaryCanaryCanaryCanaryCanary123456"
SLUG = "octo/hello"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A repository at the place where the git server serves octo/hello."""
    work = make_repo(tmp_path / "work", {"README": "hello\n"})
    git("branch", "release/2.0", cwd=work)
    return make_bare(tmp_path / "served" / "octo" / "hello.git", work)


@pytest.fixture
def server(bare: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(bare.parents[1], anonymous=Right.READ) as server:
        server.add_token(TOKEN)
        yield server


@pytest.fixture
def github(server: GitHttpServer, bare: Path) -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_token(TOKEN)
        fake.add_repo(SLUG, bare, server.url_of(SLUG))
        yield fake
    assert fake.violations == []


@pytest.fixture
def forge(github: FakeGitHub) -> Iterator[GitHubForge]:
    made = GitHubForge(api_url=github.url, token=TOKEN)
    yield made
    made.close()


@pytest.fixture
def repositories(tmp_path: Path, github: FakeGitHub, forge: GitHubForge) -> Repositories:
    return Repositories(
        api_url=github.url, token=TOKEN, home=Home(root=tmp_path / "home").prepare(), forge=lambda: forge
    )


def refused(repositories: Repositories, repo: str, code: ErrorCode, base: str | None = None) -> PithyError:
    with pytest.raises(PithyError) as caught:
        repositories.check(repo, base)
    assert caught.value.code is code
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("base", [None, "release/2.0"])
def test_what_can_be_worked_on_passes(
    repositories: Repositories, server: GitHttpServer, bare: Path, base: str | None
) -> None:
    for repo in (SLUG, str(bare), server.url_of(SLUG)):
        remote, warnings = repositories.check(repo, base)
        assert (remote.display, warnings) == (repo, ())


def test_a_path_that_is_not_there_or_no_repository(repositories: Repositories, tmp_path: Path) -> None:
    assert "there is no" in refused(repositories, str(tmp_path / "none"), ErrorCode.REPO_UNREACHABLE).message
    assert "git init" in refused(repositories, str(tmp_path), ErrorCode.REPO_UNREACHABLE).hint


def test_an_empty_repository_wants_a_commit(repositories: Repositories, server: GitHttpServer, bare: Path) -> None:
    for branch in ("main", "release/2.0"):
        git("update-ref", "-d", f"refs/heads/{branch}", cwd=bare)
    for repo in (SLUG, str(bare), server.url_of(SLUG)):
        error = refused(repositories, repo, ErrorCode.REPO_ANALYSIS)
        assert "is empty" in error.message
        assert "Commit" in error.hint


def test_a_missing_base_names_near_ones(repositories: Repositories, server: GitHttpServer, bare: Path) -> None:
    for repo in (SLUG, str(bare), server.url_of(SLUG)):
        error = refused(repositories, repo, ErrorCode.USAGE, "release/2")
        assert isinstance(error, UsageError)
        assert "Did you mean release/2.0?" in error.hint
        assert "--base" in error.hint


def test_a_default_branch_that_is_gone_is_a_missing_base(repositories: Repositories, bare: Path) -> None:
    git("update-ref", "-d", "refs/heads/main", cwd=bare)
    error = refused(repositories, SLUG, ErrorCode.USAGE)
    assert "no branch 'main'" in error.message
    assert "release/2.0" in error.hint


def test_a_base_that_no_branch_can_have_is_not_asked_for(repositories: Repositories, github: FakeGitHub) -> None:
    refused(repositories, SLUG, ErrorCode.USAGE, "--all")
    assert github.calls == []


def test_an_unknown_repository_is_refused(repositories: Repositories, server: GitHttpServer) -> None:
    refused(repositories, "octo/none", ErrorCode.REPO_UNREACHABLE)
    refused(repositories, server.url_of("octo/none"), ErrorCode.REPO_UNREACHABLE)


def test_a_folder_of_this_name_is_thought_of(
    repositories: Repositories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "octo" / "none").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "./octo/none" in refused(repositories, "octo/none", ErrorCode.REPO_UNREACHABLE).hint


def test_a_token_without_the_right_to_push_is_refused(repositories: Repositories, github: FakeGitHub) -> None:
    github.add_token(TOKEN, push=False)
    assert "may not push" in refused(repositories, SLUG, ErrorCode.GITHUB_AUTH).message


@pytest.mark.parametrize("fault", ["502", "rate limit", "no answer", "git 503", "git gone"])
def test_what_may_be_back_is_a_warning_after_one_try(
    repositories: Repositories, github: FakeGitHub, server: GitHttpServer, fault: str
) -> None:
    match fault:
        case "502":
            github.fail_next("repos/get", 502)
        case "rate limit":
            github.secondary_rate_limit_next("repos/get", retry_after=1)
        case "no answer":
            github.drop_next("repos/get")
        case "git 503":
            server.fail_next(FETCH, 503)
        case "git gone":
            server.stop()

    remote, warnings = repositories.check(SLUG, None)

    assert remote.slug == SLUG
    assert len(warnings) == 1
    assert "could not be checked" in warnings[0]
    assert len(github.calls) == 1


def test_an_attempt_asks_again(repositories: Repositories, github: FakeGitHub) -> None:
    github.fail_next("repos/get", 502, times=2)
    waited: list[float] = []

    connection = repositories.connect(SLUG, wait=waited.append)

    assert (connection.default_branch, connection.token) == ("main", TOKEN)
    assert waited == [1.0, 2.0]


def test_the_token_goes_to_the_forges_own_address_alone(repositories: Repositories, server: GitHttpServer) -> None:
    assert repositories.connect(server.url_of(SLUG)).token == ""
