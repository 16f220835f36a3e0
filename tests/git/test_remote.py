"""What may be given as a repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, ExitCode, UsageError
from pithy_local.git.remote import check_local, parse_repo
from tests.support import git


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("octo/sample", "octo/sample"),
        (" octo/sample ", "octo/sample"),
        ("octo/sample.git", "octo/sample"),
        ("https://github.com/octo/sample", "octo/sample"),
        ("https://github.com/octo/sample.git/", "octo/sample"),
        ("octo-org/.github", "octo-org/.github"),
        ("me_corp/x.y-z", "me_corp/x.y-z"),
    ],
)
def test_github_repositories(text: str, slug: str) -> None:
    remote = parse_repo(text)
    assert (remote.kind, remote.slug, remote.display, remote.url) == ("github", slug, slug, "")


def test_the_clone_url_comes_from_the_forge() -> None:
    assert (
        parse_repo("octo/sample").at("https://git.example/octo/sample.git").url == "https://git.example/octo/sample.git"
    )


def test_a_clone_url_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError):
        parse_repo("octo/sample").at("ext::sh -c id")


def test_github_enterprise_is_known_by_its_api() -> None:
    api_url = "https://ghe.example/api/v3"
    assert parse_repo("https://ghe.example/octo/sample", api_url=api_url).slug == "octo/sample"
    assert parse_repo("https://github.com/octo/sample", api_url=api_url).kind == "url"


@pytest.mark.parametrize("text", ["https://git.example/a/b/c.git", "http://127.0.0.1:8080/octo/sample.git"])
def test_other_urls(text: str) -> None:
    remote = parse_repo(text)
    assert (remote.kind, remote.url, remote.display, remote.slug) == ("url", text, text, None)


def test_a_path_is_made_absolute_and_parses_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    remote = parse_repo("./link")
    assert (remote.kind, remote.display, remote.url) == ("path", str(tmp_path / "link"), os.path.realpath("real"))
    assert parse_repo(remote.display) == remote


@pytest.mark.parametrize("text", [".", "..", "~/x", "/srv/x.git", "a/b/c", "repo", "./owner/name"])
def test_what_is_no_slug_is_a_path(text: str) -> None:
    assert parse_repo(text).kind == "path"


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "--upload-pack=touch /tmp/x", "-x", "ext::sh -c id", "fd::3", "ssh://git@github.com/o/r", "git://h/o/r",
        "git@github.com:octo/sample.git", "host.example:octo/sample", "file:///srv/x", "https://", "https://host",
        "https://host/", "https://host.example/o/r?x=1", "https://host.example/o/r#f", "https://host:99999/o/r",
        "https://h ost/o/r", "https://host/o'r", "octo/sam\nple", "ftp://h/o/r", "https://github.com/octo",
        "https://github.com/octo/sample/tree/main", "https://host/o\u202er",
    ],
)  # fmt: skip
def test_everything_else_is_a_usage_error_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_repo(text)
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE


def test_an_ssh_address_of_github_is_answered_with_the_slug() -> None:
    with pytest.raises(UsageError) as caught:
        parse_repo("git@github.com:octo/sample.git")
    assert caught.value.hint == "Give octo/sample instead."


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_repo("https://me:s3cret@host.example/o/r.git")
    assert "s3cret" not in str(caught.value) + caught.value.hint + repr(caught.value)


def test_local_repositories_are_found(work: Path, bare: Path, tmp_path: Path) -> None:
    git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other", cwd=work)
    for path in (work, bare, tmp_path / "linked"):
        check_local(path)


def test_what_is_no_repository_is_said(tmp_path: Path, work: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "missing", tmp_path / "file", tmp_path / "empty", work / "src"):
        with pytest.raises(UsageError) as caught:
            check_local(path)
        assert caught.value.code is ErrorCode.REPO_UNREACHABLE
        assert caught.value.hint
