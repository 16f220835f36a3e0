"""Verify jobs over a real repository, for tests of both executors."""

from __future__ import annotations

import tarfile
from pathlib import Path

from pithy_local.executors.base import Limits, VerifyJob
from tests.support import branch_sha, make_bare, make_repo

TASK = "0ver1fy2me"
MiB = 1 << 20
LIMITS = Limits(cpus=2.0, memory=256 * MiB, pids=64, disk=64 * MiB, seconds=30.0)


def make_verify_job(
    folder: Path, *commands: str, instance: str = "instance", role: str = "vpatch", seconds: float = 30.0,
    limits: Limits = LIMITS, network: str = "sealed",
) -> VerifyJob:  # fmt: skip
    """`commands` to run on the one commit of a repository with `hello.txt`; its bundle lies in `folder`."""
    bundle = folder / "bundle.tar"
    bare = make_bare(folder / "repo.git", make_repo(folder / "work", {"hello.txt": "hello\n"}))
    with tarfile.open(bundle, "w") as tar:
        tar.add(bare, "repo.git")
    sha = branch_sha(bare, "main")
    assert sha is not None
    return VerifyJob(
        instance=instance, task=TASK, attempt=1, fence=3, role=role, limits=limits, network=network, bundle=bundle,
        commands=commands, branch="main", sha=sha, seconds=seconds,
    )  # fmt: skip
