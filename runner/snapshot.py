"""The change so far: the work tree as it was right after an answer had been applied, kept beside it as a git tree.

What the verify commands leave behind is thus no part of it, and the work tree can be put back to the base for the next
answer. The work tree's own `.git` is under the agent's control, so it is not used at all: a bare repository of our own
borrows the bundle's objects and holds the index and the snapshot. No filter, hook, driver or exclude file of the
agent's making is configured there.
"""

from __future__ import annotations

from pathlib import Path

from runner.errors import GitError
from runner.gitio import Git
from runner.job import Job

_KEPT = "refs/pithy/change"
_NESTED = "does not have a commit checked out"


def git_of(job: Job) -> Git:
    """git in the bare repository that knows the base and every snapshot; made when first asked for."""
    git_dir = job.repo.with_name(f"{job.repo.name}.snapshots")
    git = Git(cwd=git_dir, git_dir=git_dir)
    if not git_dir.exists():
        Git(cwd=git_dir.parent).run("init", "-q", "--bare", "--template=", str(git_dir))
        info = git_dir / "objects" / "info"
        info.mkdir(exist_ok=True)
        (info / "alternates").write_text(f"{job.bundle / 'objects'}\n", encoding="utf-8")
    return git


def write(job: Job) -> str:
    """The work tree as a git tree, untracked files included, ignored ones not. Returns its id. Raises GitError."""
    work = _work_tree(job)
    work.run("read-tree", job.base_sha)
    added = work.attempt("add", "-A", "--ignore-errors", "--", ".")
    errors = [line for line in added.error.splitlines() if line.startswith(("error:", "fatal:"))]
    # A repository without commits inside the tree is nothing that could be delivered; anything else is.
    if added.code != 0 and not (errors and all(_NESTED in line for line in errors)):
        raise GitError(f"git add failed: {added.error.strip()[:2000]}")
    _leave_out_by_products(work, job.base_sha)
    return work.run("write-tree").decode().strip()


def keep(job: Job, tree: str) -> None:
    """Make `tree` the change that is handed over."""
    git_of(job).run("update-ref", _KEPT, tree)


def kept(job: Job) -> str | None:
    """The tree that `keep` was given last."""
    found = git_of(job).attempt("rev-parse", "--verify", "-q", f"{_KEPT}^{{tree}}")
    return found.output.decode().strip() if found.code == 0 else None


def restore(job: Job, ignored: tuple[str, ...]) -> None:
    """Put the work tree, last seen by `write`, back to the base: other files than the base's go.

    Files that git ignores stay (installed dependencies, caches), but for `ignored`, the answer's own among them.
    What stays is never part of a later snapshot, also not where an answer changes what is ignored.
    """
    job.repo.mkdir(exist_ok=True)
    work = _work_tree(job)
    work.run("read-tree", "--reset", "-u", job.base_sha)
    work.run("clean", "-q", "-ffd")
    if ignored:
        work.run("--literal-pathspecs", "clean", "-q", "-ffdx", "--", *ignored)
    _by_products(work).write_bytes(work.run("ls-files", "-z", "--others", "--ignored", "--exclude-standard"))


def _leave_out_by_products(work: Git, base_sha: str) -> None:
    if _by_products(work).exists():
        new = work.run("diff-index", "--cached", "--name-only", "--diff-filter=A", "-z", base_sha).split(b"\0")[:-1]
        stayed = set(new).intersection(_by_products(work).read_bytes().split(b"\0"))
        work.run("update-index", "--force-remove", "-z", "--stdin", stdin=b"\0".join(stayed))


def _by_products(work: Git) -> Path:
    """The list of ignored files that `restore` has let stay."""
    assert work.git_dir is not None
    return work.git_dir / "by-products"


def _work_tree(job: Job) -> Git:
    git_dir = git_of(job).cwd
    return Git(cwd=job.repo, git_dir=git_dir, work_tree=job.repo, index=git_dir / "index")
