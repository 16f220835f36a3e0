"""A loopback GitHub with one repository and a branch of ours that is ready for a pull request."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.forge.base import Forge, PullRequest
from pithy_local.forge.github import GitHubForge
from pithy_local.retry import Wait
from tests.fakes.github import FakeGitHub
from tests.fakes.github_state import Repo
from tests.support import commit_files, git, make_bare, make_repo

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
    """The real forge, without pauses."""
    github.add_token(TOKEN)
    made = GitHubForge(api_url=github.url, token=TOKEN, waits=(0, 0, 0), rate_limit_wait=0, write_pause=0)
    yield made
    made.close()


def no_wait(seconds: float) -> None:
    """A wait that takes no time."""


def opened(forge: Forge, *, base: str = "main", draft: bool = False, wait: Wait = no_wait) -> PullRequest:
    """The pull request of BRANCH, as a delivery asks for it."""
    return forge.open_pr(SLUG, head=BRANCH, base=base, title="Pithy Jaunt: hi", body="the body", draft=draft, wait=wait)


def refused(forge: Forge, code: ErrorCode, *, wait: Wait = no_wait) -> PithyError:
    """The error of a pull request that is not made; it tells nobody the token."""
    with pytest.raises(PithyError) as caught:
        opened(forge, wait=wait)
    error = caught.value
    assert error.code is code
    seen = json.dumps(error.to_json()) + "".join(traceback.format_exception(error)) + repr(forge)
    assert TOKEN not in seen
    return error
