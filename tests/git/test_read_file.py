"""One file of a commit, bounded; nothing else is taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.mirror import Mirror
from pithy_local.git.remote import parse_repo
from tests.git.conftest import fetched
from tests.support import commit_files, git


@pytest.fixture
def filled(tmp_path: Path, work: Path) -> tuple[Mirror, str]:
    """A mirror and a commit with odd things at the top."""
    (work / "link").symlink_to("README.md")
    sha = commit_files(work, {"settings": b"a\r\n\xff\n", "folder/file": "x", "*": "star"})
    return fetched(tmp_path, parse_repo(str(work))), sha


def test_the_content_is_what_was_committed(filled: tuple[Mirror, str]) -> None:
    mirror, sha = filled
    assert mirror.read_file(sha, "settings", 5) == b"a\r\n\xff\n"
    assert mirror.read_file(sha, "folder/file", 10) == b"x"
    assert mirror.read_file(sha, "*", 10) == b"star"


def test_what_is_not_there_is_none(filled: tuple[Mirror, str], work: Path) -> None:
    mirror, sha = filled
    assert mirror.read_file(git("rev-parse", f"{sha}~1", cwd=work), "settings", 10) is None
    assert mirror.read_file(sha, "setting", 10) is None
    assert mirror.read_file(sha, "s*", 10) is None


@pytest.mark.parametrize(("path", "words"), [("link", "regular"), ("folder", "regular"), ("settings", "4 bytes")])
def test_what_cannot_be_taken_is_an_error_that_says_what_to_do(
    filled: tuple[Mirror, str], path: str, words: str
) -> None:
    mirror, sha = filled
    with pytest.raises(PithyError, match=words) as caught:
        mirror.read_file(sha, path, 4)
    assert caught.value.code is ErrorCode.REPO_ANALYSIS
    assert "base branch" in caught.value.hint


@pytest.mark.parametrize("sha", ["HEAD", "--all", "1234"])
def test_a_commit_is_named_by_its_id(mirror: Mirror, sha: str) -> None:
    with pytest.raises(ValueError, match="not a commit id"):
        mirror.read_file(sha, "README.md", 10)
