"""Where an attempt builds on: the mirror, the pinned base commit, and the settings that hold there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pithy_local import repo_settings
from pithy_local.config import Settings, seconds, size_bytes
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.executors.base import Limits
from pithy_local.git.bundle import bundle
from pithy_local.git.mirror import Mirror
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Task
from pithy_local.paths import remove_tree

HISTORY_DEPTH = 50
"""Commits of history that the sandbox sees of the one branch it is given."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Base branch and commit, pinned; the token that fetches and pushes; the user's settings, tightened by the
    repository's own `.pithy.toml` as it stands in the base commit."""

    mirror: Mirror
    base: str
    base_sha: str
    token: str
    settings: Settings


def prepare(bench: Workbench, host: Host, decided_base: str | None) -> Source:
    """Fetch the mirror, pin the base commit: the one that a change was made for, else the branch's newest.

    Raises PithyError (repo_unreachable, github_auth, repo_analysis, …), Cancelled, LeaseLost.
    """
    task, lease = host.lease.task, host.lease
    host.say(f"attempt {task.attempts}: {task.provider} {task.model}, {task.executor}")
    connection = bench.repositories.connect(task.repo, wait=host.wait)
    mirror = connection.mirror
    mirror.fetch(connection.token, host.say, host.checkpoint, wait=host.wait)
    name, sha = mirror.resolve_base(task.base or connection.default_branch)
    if decided_base is not None:
        sha = decided_base
        if not mirror.has(sha):
            raise PithyError(
                ErrorCode.REPO_ANALYSIS, f"the commit {sha[:12]} that the change builds on is gone from the repository",
                hint='`pithy-local retry ID --feedback "…"` makes the change anew.',
            )  # fmt: skip
    lease.pin_base(name, sha, mirror.remote.url)
    host.checkpoint()
    host.say(f"base is {name} at {sha[:12]}")
    settings = _settings(bench.settings, task, mirror, sha)
    return Source(mirror=mirror, base=name, base_sha=sha, token=connection.token, settings=settings)


def resume(bench: Workbench, host: Host, base_sha: str) -> Source:
    """The same for an attempt that an earlier owner has prepared: the remote is not asked, unless our copy is gone.

    Raises as `prepare` does.
    """
    task, standing = host.lease.task, host.lease.standing
    if standing.clone_url is not None and standing.base_name is not None:
        connection = bench.repositories.known(task.repo, standing.clone_url)
        if connection.mirror.has(base_sha):
            settings = _settings(bench.settings, task, connection.mirror, base_sha)
            return Source(
                mirror=connection.mirror, base=standing.base_name, base_sha=base_sha, token=connection.token,
                settings=settings,
            )  # fmt: skip
    return prepare(bench, host, base_sha)


def _settings(settings: Settings, task: Task, mirror: Mirror, sha: str) -> Settings:
    """Flags of the task come before the user's configuration; the repository's file adds and tightens."""
    if task.verify_commands:
        sandbox = msgspec.structs.replace(settings.sandbox, verify=task.verify_commands)
        settings = msgspec.structs.replace(settings, sandbox=sandbox)
    content = mirror.read_file(sha, repo_settings.FILE, repo_settings.MAX_BYTES)
    return repo_settings.merge(settings, repo_settings.parse(content))


def limits(settings: Settings) -> Limits:
    """What one sandbox may use."""
    sandbox = settings.sandbox
    return Limits(
        cpus=sandbox.cpus, memory=size_bytes(sandbox.memory), pids=sandbox.pids, disk=size_bytes(sandbox.disk),
        seconds=seconds(settings.timeout),
    )  # fmt: skip


@contextmanager
def pinned(host: Host, source: Source) -> Iterator[None]:
    """What git keeps for the task goes with the attempt, unless the task, and it, are somebody else's by then."""
    lost = False
    try:
        yield
    except LeaseLost:
        lost = True
        raise
    finally:
        if not lost:
            try:
                source.mirror.release(host.lease.task.id)
            except (PithyError, OSError) as error:  # must not hide how the attempt ended
                host.say(f"could not clear up in the mirror: {error}")


@contextmanager
def packed(bench: Workbench, host: Host, source: Source, branch: str, sha: str) -> Iterator[Path]:
    """The repository as it goes into a sandbox: one branch, as a tar file that is gone afterwards."""
    task = host.lease.task.id
    folder = bench.home.scratch / f"bundle-{task}-f{host.lease.fence}"
    remove_tree(folder)
    folder.mkdir(mode=0o700)
    try:
        yield bundle(
            source.mirror, task, branch, sha, folder / "repo.tar", depth=HISTORY_DEPTH, checkpoint=host.checkpoint
        )
    finally:
        remove_tree(folder)
