"""A repository with a branch ready for a pull request, shared by the tests of the fakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import commit_files, git, make_bare, make_repo


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients would ask a proxy of this host for loopback addresses too."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work tree: `main` with one commit, `pj/one` with one more, the first checked out."""
    repo = make_repo(tmp_path / "work", {"a.txt": "one\n"})
    git("checkout", "-q", "-b", "pj/one", cwd=repo)
    commit_files(repo, {"a.txt": "one\ntwo\n", "b/c.txt": "three\n"})
    git("checkout", "-q", "main", cwd=repo)
    return repo


@pytest.fixture
def bare(tmp_path: Path, work: Path) -> Path:
    """The same as a bare repository at `served/octo/hello.git`."""
    return make_bare(tmp_path / "served" / "octo" / "hello.git", work)
