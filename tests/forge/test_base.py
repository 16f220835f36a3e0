"""Which names are repositories of the forge, and what stands where there is none."""

from __future__ import annotations

import pytest

from pithy_local.errors import UsageError
from pithy_local.forge.base import Forge, checked_slug, slug_of
from pithy_local.forge.none import NoForge

GITHUB = "https://api.github.com"


@pytest.mark.parametrize(
    ("repo", "api_url", "slug"),
    [
        ("octocat/Hello-World", GITHUB, "octocat/Hello-World"),
        ("octocat/.github", GITHUB, "octocat/.github"),
        ("https://github.com/octocat/hello.git", GITHUB, "octocat/hello"),
        ("https://github.com/octocat/hello/", GITHUB, "octocat/hello"),
        ("https://git.example.org/team/app", "https://git.example.org/api/v3", "team/app"),
        ("https://github.com/octocat/hello/issues/1", GITHUB, None),
        ("https://gitlab.com/octocat/hello", GITHUB, None),
        ("https://github.com.evil.example/octocat/hello", GITHUB, None),
        ("https://github.com@evil.example/octocat/hello", GITHUB, None),
        ("/srv/git/hello.git", GITHUB, None),
        ("../hello", GITHUB, None),
        ("octocat/..", GITHUB, None),
        ("--upload-pack=x/y", GITHUB, None),
    ],
)
def test_slug_of(repo: str, api_url: str, slug: str | None) -> None:
    assert slug_of(repo, api_url) == slug


@pytest.mark.parametrize("slug", ["", "octocat", "a/b/c", "../user", "a/b?x=1", "a/b#", "a/b\n", "a /b"])
def test_what_is_no_slug_never_reaches_a_url(slug: str) -> None:
    with pytest.raises(UsageError):
        checked_slug(slug)


def test_a_plain_remote_has_no_pull_requests() -> None:
    forge: Forge = NoForge()

    info = forge.repository("/srv/git/hello.git")

    assert (info.clone_url, info.default_branch, info.can_push) == ("/srv/git/hello.git", None, True)
    assert forge.open_pr(info.slug, head="pj/x", base="main", title="t", body="b", draft=False) is None
    assert forge.find_pr(info.slug, "pj/x") is None
    assert forge.pr(info.slug, 1) is None
