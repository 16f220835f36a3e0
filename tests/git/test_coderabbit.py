"""The commit that turns on CodeRabbit: on top of ours, one file, only where there is no configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from pithy_local.git.coderabbit import configuration, turn_on_reviews
from pithy_local.git.mirror import Mirror
from pithy_local.git.remote import parse_repo
from tests.git.conftest import TASK, commit_in, fetched
from tests.support import commit_files, git


def test_it_is_a_commit_of_its_own_on_top_of_ours(mirror: Mirror, work: Path) -> None:
    ours = commit_in(mirror, work)

    made = turn_on_reviews(mirror, TASK, ours, base="main", author="Ada <ada@example.org>")

    assert made is not None
    repo = mirror.repo
    assert git("log", "-1", "--format=%P %an <%ae> %s", made, cwd=repo) == (
        f"{ours} Ada <ada@example.org> Pithy Jaunt: turn on CodeRabbit reviews"
    )
    assert git("diff-tree", "-r", "--name-status", "--no-commit-id", made, cwd=repo) == "A\t.coderabbit.yaml"
    assert git("cat-file", "blob", f"{made}:.coderabbit.yaml", cwd=repo) + "\n" == configuration("main")
    assert git("rev-parse", f"refs/pithy/{TASK}/head", cwd=repo) == made
    assert not mirror.scratch(TASK).exists()


@pytest.mark.parametrize("name", [".coderabbit.yaml", ".coderabbit.yml", ".CodeRabbit.yaml", ".coderabbit.yaml/x"])
def test_a_configuration_that_is_there_is_left_alone(tmp_path: Path, work: Path, name: str) -> None:
    sha = commit_files(work, {name: "reviews: {}\n"})
    mirror = fetched(tmp_path, parse_repo(str(work)))

    assert turn_on_reviews(mirror, TASK, sha, base="main") is None
    assert git("for-each-ref", "refs/pithy", cwd=mirror.repo) == ""


def test_one_that_the_change_itself_adds_counts(mirror: Mirror, work: Path) -> None:
    sha = commit_files(work, {".coderabbit.yaml": "x\n"})
    git("fetch", "-q", str(work), sha, cwd=mirror.repo)

    assert turn_on_reviews(mirror, TASK, sha, base="main") is None


def test_a_file_of_this_name_further_down_does_not_count(tmp_path: Path, work: Path) -> None:
    sha = commit_files(work, {"docs/.coderabbit.yaml": "x\n"})
    assert turn_on_reviews(fetched(tmp_path, parse_repo(str(work))), TASK, sha, base="main") is not None


@pytest.mark.parametrize(
    ("base", "pattern"),
    [
        ("main", '"^main$"'),
        ("release/1.x+(a)", r'"^release/1\\.x\\+\\(a\\)$"'),
        ('say"hi"', r'"^say\"hi\"$"'),
        ("größe", r'"^gr\U000000F6\U000000DFe$"'),
        ("a-b_#1", '"^a-b_#1$"'),
    ],
)
def test_automatic_reviews_are_on_for_that_very_branch(base: str, pattern: str) -> None:
    lines = [line for line in configuration(base).splitlines() if not line.startswith("#")]
    assert lines == ["reviews:", "  auto_review:", "    enabled: true", "    base_branches:", f"      - {pattern}"]


def test_the_file_says_where_it_comes_from() -> None:
    assert configuration("main").startswith("# Added by Pithy Jaunt")
