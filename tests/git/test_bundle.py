"""What is handed to a sandbox: one branch, limited in depth, nothing of the mirror."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from pithy_local.git.bundle import bundle
from pithy_local.git.mirror import Mirror
from tests.git.conftest import FILES, TASK, TOKEN
from tests.support import commit_files, git


def unpacked(tar_file: Path, folder: Path) -> Path:
    subprocess.run(["tar", "-xf", tar_file, "-C", folder], check=True)
    return folder / "repo.git"


def test_a_clone_of_it_is_the_base(mirror: Mirror, base: str, tmp_path: Path) -> None:
    repo = unpacked(bundle(mirror, TASK, "main", base, tmp_path / "out" / "repo.tar"), tmp_path)
    git("clone", "-q", "--no-hardlinks", str(repo), str(tmp_path / "clone"))
    assert git("rev-parse", "HEAD", cwd=tmp_path / "clone") == base
    assert {name: (tmp_path / "clone" / name).read_text() for name in FILES} == FILES


def test_it_holds_one_branch_and_no_other_commit(mirror: Mirror, work: Path, bare: Path, tmp_path: Path) -> None:
    secret = commit_files(work, {"secret.txt": "private branch\n"})
    git("push", "-q", str(bare), "main:private", cwd=work)
    git("tag", "v1", secret, cwd=bare)
    mirror.fetch("", lambda text: None)
    name, base = mirror.resolve_base("main")
    repo = unpacked(bundle(mirror, TASK, name, base, tmp_path / "repo.tar"), tmp_path)
    assert git("for-each-ref", "--format=%(refname)", cwd=repo) == "refs/heads/main"
    assert git("symbolic-ref", "HEAD", cwd=repo) == "refs/heads/main"
    commits = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)", cwd=repo)
    assert [line for line in commits.splitlines() if line.endswith("commit")] == [f"{base} commit"]


def test_it_is_limited_in_depth(mirror: Mirror, work: Path, bare: Path, tmp_path: Path) -> None:
    for number in range(6):
        commit_files(work, {"n.txt": f"{number}\n"})
    git("push", "-q", str(bare), "main", cwd=work)
    mirror.fetch("", lambda text: None)
    name, base = mirror.resolve_base(None)
    repo = unpacked(bundle(mirror, TASK, name, base, tmp_path / "repo.tar", depth=3), tmp_path)
    git("clone", "-q", "--no-hardlinks", str(repo), str(tmp_path / "clone"))
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "clone") == "3"


def test_it_carries_nothing_of_the_mirror_or_the_host(http_mirror: Mirror, tmp_path: Path) -> None:
    name, base = http_mirror.resolve_base(None)
    tar_file = bundle(http_mirror, TASK, name, base, tmp_path / "repo.tar")
    with tarfile.open(tar_file) as tar:
        members = tar.getmembers()
    assert {(member.uid, member.uname, member.mode) for member in members} <= {(0, "", 0o755), (0, "", 0o644)}
    names = {member.name.removeprefix("repo.git/").split("/")[0] for member in members}
    assert names <= {"repo.git", "HEAD", "config", "objects", "refs", "packed-refs", "shallow"}
    content = tar_file.read_bytes()
    for word in (TOKEN, "127.0.0.1", str(http_mirror.folder), "refs/pithy", "refs/upstream"):
        assert word.encode() not in content


def test_no_folder_is_left_beside_it(mirror: Mirror, base: str, tmp_path: Path) -> None:
    bundle(mirror, TASK, "main", base, tmp_path / "out" / "repo.tar")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["repo.tar"]


def test_a_branch_name_is_no_option(mirror: Mirror, base: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a branch name"):
        bundle(mirror, TASK, "--upload-pack=x", base, tmp_path / "repo.tar")
