"""The work tree is put back to the base exactly, whatever an answer and the verify commands made of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from runner import patch, snapshot, workspace
from runner.job import Job
from tests.runner.support import AFTER, DIFF, FILES, fenced, make_job
from tests.support import git, make_repo

PROJECT: dict[str, str | bytes] = {
    **FILES,
    ".gitignore": "build/\n*.cache\n",
    ".gitattributes": "*.bat text eol=crlf\n",
    "run.sh": "echo\n",
    "x.bat": "a\nb\n",
    "docs/a/deep.md": "deep\n",
    "blob": bytes(range(256)),
}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """An unpacked job whose answer has changed one file, as kept."""
    job = make_job(tmp_path, PROJECT)
    workspace.unpack(job)
    (job.repo / "src/greeter.py").write_text(AFTER)
    snapshot.keep(job, snapshot.write(job))
    return job


def contents(root: Path) -> dict[str, tuple[bytes, bool]]:
    """Every file but git's own: what is in it, and whether it may be executed."""
    files = (path for path in root.rglob("*") if path.is_symlink() or path.is_file())
    return {
        str(path.relative_to(root)): (str(path.readlink()).encode() if path.is_symlink() else path.read_bytes(),
                                      os.access(path, os.X_OK, follow_symlinks=False))
        for path in files if ".git" not in path.relative_to(root).parts
    }  # fmt: skip


def base_of(job: Job, tmp_path: Path) -> dict[str, tuple[bytes, bool]]:
    fresh = tmp_path / "fresh"
    git("clone", "-q", str(job.bundle), str(fresh))
    return contents(fresh)


def test_changed_new_and_missing_files_are_as_in_the_base(job: Job, tmp_path: Path) -> None:
    (job.repo / "README.md").unlink()
    (job.repo / "run.sh").chmod(0o755)
    (job.repo / "blob").write_bytes(b"")
    (job.repo / "x.bat").write_bytes(b"a\nb\n")
    (job.repo / "report").mkdir()
    (job.repo / "report/junit.xml").write_text("<x/>\n")
    (job.repo / "empty/folder").mkdir(parents=True)

    snapshot.restore(job, ())

    assert contents(job.repo) == base_of(job, tmp_path)
    assert not (job.repo / "empty").exists()


def test_an_edit_that_hides_behind_its_time_and_size_is_found(job: Job, tmp_path: Path) -> None:
    file = job.repo / "run.sh"
    before = file.stat()
    file.write_text("ECHO\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    snapshot.restore(job, ())

    assert contents(job.repo) == base_of(job, tmp_path)


def test_files_folders_and_links_that_changed_places_are_put_back(job: Job, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "a").mkdir(parents=True)
    (outside / "a/deep.md").write_text("mine\n")
    shutil.rmtree(job.repo / "docs")
    (job.repo / "docs").symlink_to(outside)
    (job.repo / "README.md").unlink()
    (job.repo / "README.md").mkdir()
    (job.repo / "README.md/x").write_text("x")
    (job.repo / "blob").unlink()
    (job.repo / "blob").symlink_to(outside / "a/deep.md")

    snapshot.restore(job, ())

    assert contents(job.repo) == base_of(job, tmp_path)
    assert (outside / "a/deep.md").read_text() == "mine\n"


def test_what_git_ignores_stays(job: Job) -> None:
    (job.repo / "build").mkdir()
    (job.repo / "build/installed.so").write_text("dependency")
    (job.repo / "src/x.cache").write_text("cache")

    snapshot.restore(job, ())

    assert (job.repo / "build/installed.so").exists()
    assert (job.repo / "src/x.cache").exists()


def test_ignored_files_of_the_answer_itself_go(job: Job) -> None:
    (job.repo / "build").mkdir()
    (job.repo / "build/out.txt").write_text("the answer's")
    (job.repo / "build/installed.so").write_text("dependency")

    snapshot.restore(job, ("build/out.txt", "src/greeter.py"))

    assert [path.name for path in (job.repo / "build").iterdir()] == ["installed.so"]


def test_what_stayed_is_no_part_of_a_later_change_whatever_is_ignored_by_then(job: Job) -> None:
    (job.repo / "build").mkdir()
    (job.repo / "build/installed ü.so").write_text("dependency")
    snapshot.restore(job, ())
    (job.repo / ".gitignore").unlink()
    (job.repo / "build/own.txt").write_text("the answer's")

    tree = snapshot.write(job)

    names = git("ls-tree", "-r", "--name-only", tree, cwd=snapshot.git_of(job).cwd)
    assert "build/own.txt" in names
    assert "installed" not in names


def test_the_bases_own_rules_say_what_is_ignored(job: Job, tmp_path: Path) -> None:
    (job.repo / ".gitignore").write_text("*\n")
    (job.repo / "new.txt").write_text("new\n")

    snapshot.restore(job, ())

    assert contents(job.repo) == base_of(job, tmp_path)


def test_a_repository_made_inside_the_tree_goes(job: Job, tmp_path: Path) -> None:
    make_repo(job.repo / "scratch", {"x": "x\n"})
    git("init", "-q", str(job.repo / "empty"))

    snapshot.restore(job, ())

    assert contents(job.repo) == base_of(job, tmp_path)
    assert not (job.repo / "scratch").exists()
    assert (job.repo / ".git").is_dir()


def test_a_tree_that_was_removed_altogether_comes_back(job: Job, tmp_path: Path) -> None:
    shutil.rmtree(job.repo)

    snapshot.restore(job, ())

    assert contents(job.repo) == base_of(job, tmp_path)
    patch.apply_answer(job.repo, fenced(DIFF))
    assert snapshot.write(job) == snapshot.kept(job)


def test_a_submodule_is_no_change_and_survives(tmp_path: Path) -> None:
    origin = make_repo(tmp_path / "other", {"x": "x\n"})
    commit = git("rev-parse", "HEAD", cwd=origin)
    whole = make_repo(tmp_path / "whole", FILES)
    git("update-index", "--add", "--cacheinfo", f"160000,{commit},lib", cwd=whole)
    git("commit", "-qm", "submodule", cwd=whole)
    bundle = tmp_path / "with.git"
    git("clone", "-q", "--bare", str(whole), str(bundle))
    head = git("rev-parse", "HEAD", cwd=bundle)
    job = make_job(tmp_path, bundle=str(bundle), base_sha=head)
    workspace.unpack(job)

    assert snapshot.write(job) == git("rev-parse", f"{head}^{{tree}}", cwd=bundle)
    snapshot.restore(job, ())
    assert (job.repo / "lib").is_dir()


def test_nothing_that_the_agent_configured_runs(job: Job, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for key in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor"):
        git("config", key, f"touch {canary}; cat", cwd=job.repo)
    (job.repo / ".gitattributes").write_text("* filter=evil\n")
    (job.repo / "README.md").write_text("changed\n")

    snapshot.write(job)
    snapshot.restore(job, ())

    assert not canary.exists()
    assert (job.repo / "README.md").read_text() == "# Greeter\n"


def test_a_change_is_applied_again_after_every_restoration(job: Job) -> None:
    first = snapshot.kept(job)
    for _ in range(2):
        snapshot.restore(job, ())
        patch.apply_answer(job.repo, fenced(DIFF))
        assert snapshot.write(job) == first
