"""The work tree: cloned from the bundle that the host put in, with nothing that points out of the sandbox."""

from __future__ import annotations

from runner.gitio import Git
from runner.job import Job


def unpack(job: Job) -> None:
    """Clone `job.bundle` to `job.repo` at `job.base_sha`, on branch `job.base`, without hooks or a remote."""
    job.repo.parent.mkdir(parents=True, exist_ok=True)
    clone = ("clone", "-q", "--no-checkout", "--no-hardlinks", "--no-tags", "--template=", "--branch", job.base)
    Git(cwd=job.repo.parent).run(*clone, "--", str(job.bundle), str(job.repo))
    work = Git(cwd=job.repo)
    work.run("remote", "remove", "origin")
    work.run("reset", "-q", "--hard", job.base_sha)
