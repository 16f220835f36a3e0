"""The canonical diff is git's own, complete, and runs nothing that the agent wrote."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from runner import collect, diff, snapshot, workspace
from runner.errors import AgentError, GitError
from runner.job import Job
from tests.runner.support import AFTER, DIFF, FILES, make_job, raw_job
from tests.support import git, make_repo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = make_job(tmp_path, {**FILES, ".gitignore": "ignored/\n", "run.sh": "echo\n", "blob": bytes(range(256))})
    workspace.unpack(job)
    return job


def change(job: Job) -> bytes:
    """The canonical diff of the work tree as it is now."""
    snapshot.keep(job, snapshot.write(job))
    return diff.canonical(job)


def apply_to_base(job: Job, made: bytes, tmp_path: Path) -> Path:
    """The base with `made` applied by plain git: what the host would get."""
    fresh = tmp_path / "fresh"
    git("clone", "-q", str(job.bundle), str(fresh))
    git("apply", "--index", "--binary", "-", cwd=fresh, stdin=made)
    return fresh


def test_the_work_tree_is_the_base_without_a_way_out(job: Job) -> None:
    assert git("rev-parse", "HEAD", cwd=job.repo) == job.base_sha
    assert git("symbolic-ref", "--short", "HEAD", cwd=job.repo) == "main"
    assert git("remote", cwd=job.repo) == ""
    assert git("status", "--porcelain", cwd=job.repo) == ""
    assert not (job.repo / ".git/hooks").exists()


def test_an_unchanged_tree_has_an_empty_diff(job: Job) -> None:
    assert change(job) == b""


def test_what_was_never_kept_is_not_handed_over(job: Job) -> None:
    (job.repo / "src/greeter.py").write_text(AFTER)
    snapshot.write(job)

    assert diff.canonical(job) == b""


def test_the_change_is_the_tree_as_it_was_kept(job: Job) -> None:
    (job.repo / "src/greeter.py").write_text(AFTER)
    made = change(job)
    (job.repo / "src/greeter.py").write_text("spoilt by a test\n")
    (job.repo / "report.xml").write_text("<report/>\n")

    assert diff.canonical(job) == made
    assert b"report.xml" not in made


def test_a_shallow_bundle_is_enough(tmp_path: Path) -> None:
    origin = make_repo(tmp_path / "deep", FILES)
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=origin)
    raw = raw_job(tmp_path)
    shallow = tmp_path / "shallow.git"
    git("clone", "-q", "--bare", "--depth=1", f"file://{origin}", str(shallow))
    job = Job.from_raw({**raw, "bundle": str(shallow), "base_sha": git("rev-parse", "HEAD", cwd=shallow)})
    workspace.unpack(job)
    (job.repo / "src/greeter.py").write_text(AFTER)

    assert b"+    return f'Hello {name}'" in change(job)


def test_a_bundle_without_the_base_is_gits_error(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="git reset failed"):
        workspace.unpack(make_job(tmp_path, base_sha="0" * 40))


def test_every_kind_of_change_survives_the_way_to_the_host(job: Job, tmp_path: Path) -> None:
    (job.repo / "src/greeter.py").write_text(AFTER)
    (job.repo / "README.md").unlink()
    (job.repo / "new dir").mkdir()
    (job.repo / "new dir/ünï.txt").write_text("no newline")
    (job.repo / "run.sh").chmod(0o755)
    (job.repo / "blob").write_bytes(bytes(reversed(range(256))))
    (job.repo / "ignored").mkdir()
    (job.repo / "ignored/cache").write_text("x")

    fresh = apply_to_base(job, change(job), tmp_path)

    assert git("diff", "--cached", "--summary", "HEAD", cwd=fresh).splitlines() == [
        " delete mode 100644 README.md",
        ' create mode 100644 "new dir/\\303\\274n\\303\\257.txt"',
        " mode change 100644 => 100755 run.sh",
    ]
    assert (fresh / "src/greeter.py").read_text() == AFTER
    assert (fresh / "blob").read_bytes() == bytes(reversed(range(256)))
    assert not (fresh / "ignored").exists()


def test_the_form_is_fixed(job: Job) -> None:
    (job.repo / "src/greeter.py").write_text(AFTER)

    lines = change(job).decode().splitlines()

    assert [lines[0], *lines[2:4]] == DIFF.splitlines()[:3]
    assert len(lines[1].split()[1]) == 82  # two whole object names


def test_a_commit_of_the_agents_changes_nothing(job: Job) -> None:
    (job.repo / "src/greeter.py").write_text(AFTER)
    before = change(job)
    git("commit", "-qam", "mine", cwd=job.repo)

    assert change(job) == before


def test_nothing_of_the_agents_making_runs(job: Job, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    trap = f"touch {canary}; cat"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\n{trap}\n")
        (hooks / name).chmod(0o755)
    for key, value in (
        ("filter.evil.clean", trap),
        ("filter.evil.smudge", trap),
        ("filter.evil.process", trap),
        ("filter.evil.required", "true"),
        ("diff.evil.command", trap),
        ("diff.evil.textconv", trap),
        ("diff.external", trap),
        ("core.hooksPath", str(hooks)),
        ("core.fsmonitor", str(hooks / "fsmonitor-watchman")),
        ("core.attributesFile", str(tmp_path / "attributes")),
        ("core.excludesFile", str(tmp_path / "excludes")),
    ):
        git("config", key, value, cwd=job.repo)
    (tmp_path / "attributes").write_text("* filter=evil diff=evil\n")
    (tmp_path / "excludes").write_text("*\n")
    (job.repo / ".git/info").mkdir(exist_ok=True)
    (job.repo / ".git/info/exclude").write_text("*\n")
    (job.repo / ".gitattributes").write_text("* filter=evil diff=evil -text\n*.py binary\n")
    (job.repo / "src/greeter.py").write_text(AFTER)
    (job.repo / "new.txt").write_text("new\n")

    made = change(job).decode()

    assert not canary.exists()
    assert "+    return f'Hello {name}'" in made
    assert "+++ b/new.txt" in made
    assert "GIT binary patch" not in made


def test_line_ends_that_the_project_configures_are_no_change(tmp_path: Path) -> None:
    job = make_job(tmp_path, {".gitattributes": "*.bat text eol=crlf\n", "x.bat": "a\nb\n"})
    workspace.unpack(job)
    assert (job.repo / "x.bat").read_bytes() == b"a\r\nb\r\n"

    assert change(job) == b""


def test_a_repository_inside_the_tree_does_not_hide_the_change(job: Job) -> None:
    (job.repo / "src/greeter.py").write_text(AFTER)
    git("init", "-q", str(job.repo / "scratch"))

    assert b"greeter.py" in change(job)


def test_a_git_folder_replaced_by_the_agent_changes_nothing(job: Job) -> None:
    (job.repo / "src/greeter.py").write_text(AFTER)
    before = change(job)
    (job.repo / ".git/HEAD").write_text("garbage")
    (job.repo / ".git/index").write_bytes(b"garbage")

    assert change(job) == before


def test_a_change_over_the_limit_is_refused(tmp_path: Path) -> None:
    job = make_job(tmp_path, max_diff_bytes=1000)
    workspace.unpack(job)
    (job.repo / "long.txt").write_text("line\n" * 1000)

    with pytest.raises(AgentError, match="at most 1,000 may leave"):
        change(job)


def test_collect_frames_the_diff_once_the_host_has_spoken(job: Job, tmp_path: Path) -> None:
    (job.repo / "src/greeter.py").write_text(AFTER)
    change(job)
    path = tmp_path / "job.json"
    path.write_text(json.dumps(raw_job(tmp_path / "again") | {"repo": str(job.repo), "bundle": str(job.bundle)}))
    path.write_text(path.read_text().replace(json.loads(path.read_text())["base_sha"], job.base_sha))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PITHY_JOB": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "runner.collect"]

    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        process.stdin.flush()  # stdin stays open: an exec's does
        framed = process.stdout.read()
        assert process.wait(60) == 0

    expected = diff.canonical(job)
    assert struct.unpack(">Q", framed[:8]) == (len(expected),)
    assert framed[8:40] == hashlib.sha256(expected).digest()
    assert framed[40:] == expected


def test_collect_without_the_hosts_byte_says_nothing(tmp_path: Path) -> None:
    stdout = io.BytesIO()

    assert collect.main(tmp_path / "job.json", io.BytesIO(b""), stdout) == 1
    assert stdout.getvalue() == b""


def test_collect_that_fails_writes_no_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stdout = io.BytesIO()

    assert collect.main(tmp_path / "missing.json", io.BytesIO(b"\n"), stdout) == 1
    assert stdout.getvalue() == b""
    assert "missing.json cannot be read" in capsys.readouterr().err
