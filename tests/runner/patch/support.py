"""A work tree, an answer, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.patch.cases import snapshot
from runner.patch import Applied, Refused, apply_answer
from tests.support import make_repo


def tree(tmp_path: Path, files: Mapping[str, str | bytes]) -> Path:
    """A repository that holds `files`."""
    return make_repo(tmp_path / "repo", files)


def after(tmp_path: Path, text: str | bytes, answer: str, path: str = "f.txt") -> bytes:
    """The bytes of `path` after an answer that must apply to it."""
    repo = tree(tmp_path, {path: text})
    apply_answer(repo, answer)
    return (repo / path).read_bytes()


def applied(repo: Path, answer: str) -> Applied:
    """Apply an answer that must be taken."""
    return apply_answer(repo, answer)


def refused(repo: Path, answer: str, *, truncated: bool = False) -> Refused:
    """Apply an answer that must be refused, and see that nothing changed."""
    before = snapshot(repo)
    with pytest.raises(Refused) as error:
        apply_answer(repo, answer, truncated=truncated)
    assert snapshot(repo) == before
    return error.value


def reasons(refusal: Refused) -> list[str]:
    """The reason codes of a refusal."""
    return [problem.reason for problem in refusal.problems]


def diff(body: str, path: str = "f.txt", header: str = "@@ ... @@") -> str:
    """A diff of one hunk."""
    return f"--- a/{path}\n+++ b/{path}\n{header}\n{body}"
