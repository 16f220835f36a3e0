"""The canonical diff: what the work tree is, against the base commit, told by git and by nothing the model wrote.

The work tree's own `.git` is under the agent's control, so it is not used at all. A fresh bare repository borrows the
bundle's objects and holds an index of its own: no filter, hook, driver or exclude file of the agent's making is
configured there. `.gitattributes` in the tree still rule line ends (or a CRLF project would differ in every line),
but the comparison runs without a work tree, where they cannot hide a text file as "binary".
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from runner.errors import AgentError, GitError
from runner.gitio import Git
from runner.job import Job

_FORM = (
    "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_NESTED = "does not have a commit checked out"


def canonical(job: Job) -> bytes:
    """The diff from `job.base_sha` to the work tree, untracked files included, ignored ones not.

    Empty when nothing changed. Raises AgentError when it is larger than `job.max_diff_bytes`, GitError otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="pithy-diff-") as name:
        scratch = Path(name)
        git_dir = _borrowing_repository(scratch, job.bundle)
        tree = _write_tree(git_dir, job)
        target = scratch / "diff"
        bare = Git(cwd=git_dir, git_dir=git_dir)
        bare.run("diff-tree", "-r", "-p", *_FORM, f"--output={target}", job.base_sha, tree, "--")
        size = target.stat().st_size
        if size > job.max_diff_bytes:
            raise AgentError(f"the change is {size:,} bytes as a diff; at most {job.max_diff_bytes:,} may leave")
        return target.read_bytes()


def _borrowing_repository(scratch: Path, bundle: Path) -> Path:
    git_dir = scratch / "git"
    Git(cwd=scratch).run("init", "-q", "--bare", "--template=", str(git_dir))
    info = git_dir / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{bundle / 'objects'}\n", encoding="utf-8")
    return git_dir


def _write_tree(git_dir: Path, job: Job) -> str:
    work = Git(cwd=job.repo, git_dir=git_dir, work_tree=job.repo, index=git_dir / "index")
    work.run("read-tree", job.base_sha)
    added = work.attempt("add", "-A", "--ignore-errors", "--", ".")
    errors = [line for line in added.error.splitlines() if line.startswith(("error:", "fatal:"))]
    # A repository without commits inside the tree is nothing that could be delivered; anything else is.
    if added.code != 0 and not (errors and all(_NESTED in line for line in errors)):
        raise GitError(f"git add failed: {added.error.strip()[:2000]}")
    return work.run("write-tree").decode().strip()
