from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support import GitFailed, branch_sha, commit_files, git, make_bare, make_repo, wait_until


def test_wait_until_returns_the_first_true_value() -> None:
    values = iter([0, "", "there"])
    assert wait_until(lambda: next(values)) == "there"


def test_wait_until_names_what_did_not_come() -> None:
    started = time.monotonic()
    with pytest.raises(AssertionError, match=r"the moon did not come true within 0\.05 s"):
        wait_until(lambda: None, timeout=0.05, what="the moon")
    assert time.monotonic() - started < 30


def test_the_same_files_give_the_same_commit_whatever_the_host_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_repo(tmp_path / "first", {"a.txt": "1\n"})
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    second = make_repo(tmp_path / "second", {"a.txt": b"1\n"})
    assert branch_sha(first, "main") == branch_sha(second, "main") is not None


def test_a_bare_copy_has_every_branch_and_no_remote(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", {"a": "1"}, branch="trunk")
    git("checkout", "-q", "-b", "side", cwd=repo)
    sha = commit_files(repo, {"deep/er/b": "2"})
    bare = make_bare(tmp_path / "deep" / "bare.git", repo)
    assert (branch_sha(bare, "side"), branch_sha(bare, "absent"), git("remote", cwd=bare)) == (sha, None, "")


def test_a_failing_git_says_what_and_why(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match=r"git checkout absent: exit 1\n.*pathspec") as caught:
        git("checkout", "absent", cwd=make_repo(tmp_path, {"a": "1"}))
    assert caught.value.code == 1
