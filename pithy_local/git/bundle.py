"""What goes into a sandbox: a tar file with a bare repository that holds one branch and nothing of the mirror."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from pithy_local.git.adapter import TRANSFER, Git, nothing
from pithy_local.git.mirror import Mirror
from pithy_local.git.refs import is_branch_name, task_ref

PACK_TIMEOUT = 600.0
"""Seconds for packing; depth-limited, a big repository takes some."""


def bundle(
    mirror: Mirror,
    task: str,
    base_name: str,
    base_sha: str,
    dest: Path,
    *,
    depth: int = 50,
    checkpoint: Callable[[], None] = nothing,
) -> Path:
    """Write `dest`, a tar file of `repo.git/`: branch `base_name` at `base_sha`, at most `depth` commits deep.

    The commit is pinned for the task as a side effect. No other ref, no reflog, no hook, no configuration of the
    mirror or of this host is in it. Returns `dest`. Raises PithyError (disk_full, internal), OSError.
    """
    if not is_branch_name(base_name):
        raise ValueError(f"not a branch name: {base_name!r}")
    mirror.pin(task, base_sha)
    dest.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bundle-", dir=dest.parent) as folder:
        repo = Path(folder) / "repo.git"
        home = mirror.git.home
        Git(cwd=repo.parent, home=home).run("init", "--quiet", "--bare", "--template=", "--", str(repo))
        git = Git(cwd=repo, home=home, git_dir=repo)
        # file:// and not the path: a path would copy or link the mirror's object files, whatever they hold.
        git.run(
            "-c", "fetch.unpackLimit=1", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            f"--depth={depth}", "--", mirror.repo.as_uri(), f"{task_ref(task, 'base')}:refs/heads/{base_name}",
            limits=TRANSFER, timeout=PACK_TIMEOUT, checkpoint=checkpoint,
        )  # fmt: skip
        git.run("symbolic-ref", "HEAD", f"refs/heads/{base_name}")
        with tarfile.open(dest, "w", format=tarfile.GNU_FORMAT) as tar:
            tar.add(repo, arcname="repo.git", filter=_plain)
    return dest


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of this host's users; readable and writable for whoever unpacks it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member
