"""Which file is meant, and which may never be touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.patch.support import applied, reasons, refused, tree

LINES = "alpha\nbeta\ngamma\n"
HUNK = "@@ -1,3 +1,3 @@\n alpha\n-beta\n+BETA\n gamma\n"
FILES = {"src/pkg/app.py": LINES, "src/pkg/other.py": "alpha\n", "tests/app_test.py": "x\n", "README.md": LINES}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return tree(tmp_path, FILES)


@pytest.mark.parametrize(
    "header",
    [
        "--- a/src/pkg/app.py\n+++ b/src/pkg/app.py",
        "--- src/pkg/app.py\n+++ src/pkg/app.py",
        "--- src/pkg/app.py\n+++ b/src/pkg/app.py",
        "--- i/src/pkg/app.py\n+++ w/src/pkg/app.py",
        "--- ./src/pkg/app.py\n+++ ./src/pkg/app.py",
        '--- "a/src/pkg/app.py"\n+++ "b/src/pkg/app.py"',
        "--- a/src/pkg/app.py\t2024-01-01 10:00:00 +0000\n+++ b/src/pkg/app.py\t2024-01-01",
        "--- src/pkg/app.py 2024-01-01 10:00:00\n+++ src/pkg/app.py 2024-01-01 10:00:01",
        "+++ b/src/pkg/app.py",
        "diff --git a/src/pkg/app.py b/src/pkg/app.py\nindex 1111111..2222222 100755",
        "--- /dev/null\n+++ b/src/pkg/app.py",
        "--- a/src/pkg/app.py.orig\n+++ b/src/pkg/app.py",
        f"Index: src/pkg/app.py\n{'=' * 67}\n--- src/pkg/app.py\n+++ src/pkg/app.py",
    ],
)
def test_a_file_is_found_whatever_its_header(repo: Path, header: str) -> None:
    if header.startswith("diff") and "---" not in header:
        header += "\n--- a/src/pkg/app.py\n+++ b/src/pkg/app.py"

    assert applied(repo, f"{header}\n{HUNK}").mended == 0
    assert "BETA" in (repo / "src/pkg/app.py").read_text()


@pytest.mark.parametrize("name", ["app.py", "pkg/app.py", "project/src/pkg/app.py"])
def test_one_file_with_such_an_end_is_meant_and_marked(repo: Path, name: str) -> None:
    assert applied(repo, f"--- a/{name}\n+++ b/{name}\n{HUNK}").mended == 1
    assert "BETA" in (repo / "src/pkg/app.py").read_text()


def test_of_two_such_files_the_one_that_fits_is_meant(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"a1/app.py": LINES, "b1/app.py": "other\n"})

    applied(repo, f"--- a/app.py\n+++ b/app.py\n{HUNK}")

    assert "BETA" in (repo / "a1/app.py").read_text()


def test_two_files_that_both_fit_are_ambiguous(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"a1/app.py": LINES, "b1/app.py": LINES})

    assert reasons(refused(repo, f"--- a/app.py\n+++ b/app.py\n{HUNK}")) == ["ambiguous_path"]


def test_a_new_file_follows_the_folder_that_all_paths_have_too_much(repo: Path) -> None:
    new = "--- /dev/null\n+++ b/project/src/pkg/new.py\n@@ -0,0 +1 @@\n+x\n"

    applied(repo, f"{new}--- a/project/src/pkg/app.py\n+++ b/project/src/pkg/app.py\n{HUNK}")

    assert (repo / "src/pkg/new.py").read_text() == "x\n"


def test_a_new_file_beside_paths_without_folders_is_refused(repo: Path) -> None:
    new = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\n"

    assert reasons(refused(repo, f"--- a/app.py\n+++ b/app.py\n{HUNK}{new}")) == ["missing_file"]


@pytest.mark.parametrize(
    ("diff", "reason"),
    [
        (f"--- a/src/gone.py\n+++ b/src/gone.py\n{HUNK}", "missing_file"),
        (f"--- a/README.md\n+++ b/src/pkg/app.py\n{HUNK}", "ambiguous_path"),
        ("--- /dev/null\n+++ b/README.md\n@@ -0,0 +1 @@\n+x\n", "exists"),
        ("--- a/src/new.py\n+++ b/src/new.py\n@@ -10,0 +11 @@\n+x\n", "missing_file"),
        ("--- a/README.md\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-alpha\n-beta\n", "delete_mismatch"),
        ("diff --git a/README.md b/README.md\ndeleted file mode 100644\n", "delete_mismatch"),
        ("diff --git a/README.md b/x\nrename from README.md\nrename to src/pkg/app.py\n", "ambiguous_path"),
        ("diff --git a/README.md b/x\nrename from README.md\nrename to tests/app_test.py/x\n", "unsafe_path"),
        ("diff --git a/README.md b/x\ncopy from README.md\ncopy to x\n", "copy"),
        (f"--- /testbed/src/pkg/app.py\n+++ /testbed/src/pkg/app.py\n{HUNK}", "unsafe_path"),
    ],
)
def test_a_wrong_idea_of_the_files_is_refused(repo: Path, diff: str, reason: str) -> None:
    assert reasons(refused(repo, diff)) == [reason]


def test_names_that_differ_in_case_alone_are_refused(repo: Path) -> None:
    def new(path: str) -> str:
        return f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"

    for answer in (new("Readme.md"), new("SRC/x.py"), new("x") + new("X"), new("x") + new("x/y")):
        assert reasons(refused(repo, answer)) == ["exists"]


def test_a_file_may_change_its_case(repo: Path) -> None:
    applied(repo, "diff --git a/README.md b/Readme.md\nrename from README.md\nrename to Readme.md\n")

    assert [path.name for path in repo.glob("[Rr]*")] == ["Readme.md"]


def test_a_header_that_names_two_files_is_refused(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"a/x.py": "q\n", "b/x.py": "q\n"})

    assert reasons(refused(repo, "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-q\n+r\n")) == ["ambiguous_path"]


def test_a_whole_file_without_its_folder_is_no_new_one(repo: Path) -> None:
    refusal = refused(repo, "app.py\n```python\nalpha\n```\n")

    assert reasons(refusal) == ["missing_file"]
    assert "did you mean src/pkg/app.py" in refusal.message


def test_a_rename_needs_no_rename_lines(repo: Path) -> None:
    applied(repo, f"--- a/src/pkg/app.py\n+++ b/src/pkg/main.py\n{HUNK}")

    assert not (repo / "src/pkg/app.py").exists()
    assert "BETA" in (repo / "src/pkg/main.py").read_text()


@pytest.mark.parametrize(
    "path",
    [
        "../x", "/x", "a/../x", "..", ".git", ".git/config", "a/.GIT/x", ".git./x", ".git /x", "git~1/x",
        ".g\u200cit/x", "\uff0egit/x", ".git::$INDEX_ALLOCATION/x", "C:/x", "a\\b", "x\x01", "a//b", "~/x", "link/x",
        "link", "README.md/x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["diff", "patch", "whole", "rename"])
def test_nothing_is_written_where_it_must_not(tmp_path: Path, repo: Path, path: str, form: str) -> None:
    (tmp_path / "outside").mkdir()
    (repo / "link").symlink_to(tmp_path / "outside")
    answers = {
        "diff": f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n",
        "patch": f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n",
        "whole": f"{path}\n```\nx\n```\n",
        "rename": f"diff --git a/README.md b/{path}\nrename from README.md\nrename to {path}\n",
    }
    inside = sorted(child.name for child in (repo / ".git").iterdir())

    refused(repo, answers[form])

    assert sorted(child.name for child in (repo / ".git").iterdir()) == inside
    assert sorted(child.name for child in tmp_path.iterdir()) == ["outside", "repo"]
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_is_not_written_through(tmp_path: Path, repo: Path) -> None:
    (tmp_path / "secret").write_text(LINES)
    (repo / "l.txt").symlink_to(tmp_path / "secret")

    assert reasons(refused(repo, f"--- a/l.txt\n+++ b/l.txt\n{HUNK}")) == ["unsafe_path"]
    assert (tmp_path / "secret").read_text() == LINES
