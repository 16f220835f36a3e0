"""An answer is applied whole, or refused with a reason and nothing changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import PatchRefused
from runner.patch import apply_answer
from tests.runner.support import AFTER, DIFF, FILES, GREETER, MISFIT, fenced
from tests.support import git, make_repo

ROOT = Path(__file__).parents[3]
NEW = "diff --git a/{0} b/{0}\nnew file mode {1}\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1 @@\n+x = 1\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo", FILES)


def refuse(repo: Path, answer: str, *, truncated: bool = False) -> PatchRefused:
    """Apply an answer that must be refused, and see that nothing changed."""
    with pytest.raises(PatchRefused) as refused:
        apply_answer(repo, answer, truncated=truncated)
    assert git("status", "--porcelain", "--ignored", cwd=repo) == ""
    return refused.value


def test_a_diff_that_fits_is_applied(repo: Path) -> None:
    applied = apply_answer(repo, fenced(DIFF))

    assert applied.paths == ("src/greeter.py",)
    assert (repo / "src/greeter.py").read_text() == AFTER


def test_wrong_hunk_counts_are_forgiven(repo: Path) -> None:
    apply_answer(repo, fenced(DIFF.replace("-1,5 +1,5", "-1,9 +1,2")))

    assert (repo / "src/greeter.py").read_text() == AFTER


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a/src/greeter.py", "b/src/greeter.py"),
        ("src/greeter.py", "src/greeter.py"),
        ("a/src/greeter.py", "src/greeter.py"),
        ("a/src/greeter.py\t2026-01-01 00:00:00", "b/src/greeter.py\t2026-01-01 00:00:00"),
    ],
)
def test_a_file_is_found_whatever_prefix_its_header_has(repo: Path, old: str, new: str) -> None:
    body = DIFF.split("\n", 3)[3]

    apply_answer(repo, fenced(f"--- {old}\n+++ {new}\n{body}"))

    assert (repo / "src/greeter.py").read_text() == AFTER


def test_several_files_without_git_headers_are_several_files(repo: Path) -> None:
    body = DIFF.split("\n", 1)[1]
    new = "--- /dev/null\n+++ b/docs/new.md\n@@ -0,0 +1,2 @@\n+# New\n+text\n"
    gone = "--- a/README.md\n+++ /dev/null\n@@ -1 +0,0 @@\n-# Greeter\n"

    applied = apply_answer(repo, fenced(body + "\n" + new + gone))

    assert applied.paths == ("src/greeter.py", "docs/new.md", "README.md")
    assert (repo / "docs/new.md").read_text() == "# New\ntext\n"
    assert not (repo / "README.md").exists()


def test_a_new_file_without_its_mode_line_is_new(repo: Path) -> None:
    apply_answer(repo, fenced("diff --git a/n.py b/n.py\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+x = 1\n"))

    assert (repo / "n.py").read_text() == "x = 1\n"


def test_an_empty_file_needs_no_hunk(repo: Path) -> None:
    apply_answer(repo, fenced("diff --git a/src/__init__.py b/src/__init__.py\nnew file mode 100644\n"))

    assert (repo / "src/__init__.py").read_bytes() == b""


def test_a_rename_moves_the_file(repo: Path) -> None:
    header = "diff --git a/README.md b/docs/README.md\nsimilarity index 100%\n"

    apply_answer(repo, fenced(f"{header}rename from README.md\nrename to docs/README.md\n"))

    assert (repo / "docs/README.md").read_text() == "# Greeter\n"


def test_a_deleted_line_that_looks_like_a_header_is_content(repo: Path) -> None:
    (repo / "q.sql").write_text("a\n-- old\nb\n")

    apply_answer(repo, fenced("--- a/q.sql\n+++ b/q.sql\n@@ -1,3 +1,3 @@\n a\n--- old\n+++ new\n b\n"))

    assert (repo / "q.sql").read_text() == "a\n++ new\nb\n"


def test_a_diff_that_does_not_fit_is_rejected_with_the_real_lines(repo: Path) -> None:
    refusal = refuse(repo, fenced(MISFIT))

    assert (refusal.code, refusal.paths) == ("patch_rejected", ("src/greeter.py",))
    assert "yours: \"-    return 'Goodbye ' + name\"" in refusal.message
    assert "in the file: \"    return 'Hello ' + name\"" in refusal.message


def test_one_file_that_does_not_fit_stops_all_of_them(repo: Path) -> None:
    refusal = refuse(repo, fenced(NEW.format("n.py", "100644") + MISFIT))

    assert refusal.code == "patch_rejected"


@pytest.mark.parametrize(
    "answer",
    [
        fenced(MISFIT.replace("src/greeter.py", "src/missing.py")),
        fenced(NEW.format("README.md", "100644")),
    ],
    ids=["missing file", "new file over an existing one"],
)
def test_a_wrong_idea_of_which_files_there_are_is_rejected(repo: Path, answer: str) -> None:
    assert refuse(repo, answer).code == "patch_rejected"


@pytest.mark.parametrize(
    ("diff", "reason"),
    [
        (DIFF.split("@@", maxsplit=1)[0], "no change follows"),
        ("diff --git a/x b/x\nindex 123..456 100644\n", "no change follows"),
        ("--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", "names no file"),
        ("@@ -1 +1 @@\n-a\n+b\n", "belongs to no file"),
        ("rename to docs/x\n", "holds no diff"),
        (DIFF.replace("f'Hello", "f'\ud800Hello"), "Unicode"),
        ("diff --cc x\n@@@ -1 -1 +1 @@@\n++a\n", "combined"),
        ("*** x\n--- x\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n", "context diffs"),
    ],
)
def test_what_could_only_be_guessed_at_is_malformed(repo: Path, diff: str, reason: str) -> None:
    refusal = refuse(repo, fenced(diff))

    assert refusal.code == "patch_malformed"
    assert reason in refusal.message


def test_two_files_in_one_header_are_not_a_rename_if_both_are_there(repo: Path) -> None:
    refusal = refuse(repo, fenced("--- a/README.md\n+++ b/src/greeter.py\n@@ -1 +1 @@\n-# Greeter\n+b\n"))

    assert refusal.code == "patch_rejected"


def test_a_truncated_answer_is_refused_even_if_it_would_fit(repo: Path) -> None:
    refusal = refuse(repo, fenced(DIFF), truncated=True)

    assert refusal.code == "patch_malformed"
    assert "cut off" in refusal.message


@pytest.mark.parametrize(
    "path",
    [
        "../out.py",
        "/etc/out.py",
        "src/../../out.py",
        ".git/hooks/pre-commit",
        "sub/.GIT/config",
        ".git./config",
        "GIT~1/config",
        "C:/out.py",
        "a\\\\b.py",
    ],
)
def test_a_path_that_leaves_the_tree_is_rejected(repo: Path, path: str) -> None:
    assert refuse(repo, fenced(NEW.format(path, "100644"))).code == "patch_rejected"
    assert not (repo.parent / "out.py").exists()


@pytest.mark.parametrize("mode", ["120000", "160000", "100600"])
def test_links_and_odd_modes_are_rejected(repo: Path, mode: str) -> None:
    assert refuse(repo, fenced(NEW.format("link", mode))).code == "patch_rejected"


def test_nothing_is_written_through_a_symlink(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repo / "link").symlink_to(tmp_path / "outside")
    git("add", "-A", cwd=repo)
    git("commit", "-qm", "link", cwd=repo)

    refusal = refuse(repo, fenced(NEW.format("link/x.py", "100644")))

    assert refusal.code == "patch_rejected"
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_rename_out_of_the_tree_is_rejected(repo: Path) -> None:
    header = "diff --git a/README.md b/README.md\nrename from README.md\nrename to ../stolen.md\n"

    assert refuse(repo, fenced(header)).code == "patch_rejected"


def test_a_binary_patch_is_rejected(repo: Path) -> None:
    diff = "diff --git a/x.png b/x.png\nnew file mode 100644\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n"

    assert refuse(repo, fenced(diff)).code == "patch_rejected"


def run_cli(repo: Path, answer: str, *options: str) -> subprocess.CompletedProcess[str]:
    path = repo.parent / "answer.txt"
    path.write_text(answer, encoding="utf-8")
    command = [sys.executable, "-m", "runner.patch", "--repo", str(repo), "--answer", str(path), *options]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=100, check=False)


def test_the_command_applies_and_exits_0(repo: Path) -> None:
    done = run_cli(repo, fenced(DIFF), "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["applied"], told["code"], told["paths"], told["mended"]) == (True, None, ["src/greeter.py"], 0)
    assert told["hunks"] == [{"path": "src/greeter.py", "hunk": 1, "line": 1, "level": "exact"}]
    assert (repo / "src/greeter.py").read_text() == AFTER


def test_the_command_refuses_with_2_and_the_reason(repo: Path) -> None:
    done = run_cli(repo, fenced(MISFIT))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("patch_rejected: ")
    assert (repo / "src/greeter.py").read_text() == GREETER


def test_the_command_tells_a_refusal_as_json(repo: Path) -> None:
    done = run_cli(repo, "no diff here", "--json")

    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert (told["applied"], told["code"], told["paths"]) == (False, "patch_malformed", [])
    assert [problem["reason"] for problem in told["problems"]] == ["no_diff"]


def test_the_command_wants_the_root_of_a_work_tree(repo: Path) -> None:
    done = run_cli(repo / "src", fenced(DIFF))

    assert done.returncode == 2
    assert "not the root of a git work tree" in done.stderr
