"""The canonical diff: what an answer made of the base commit, told by git and by nothing the model wrote.

`.gitattributes` in the tree rule line ends when a snapshot is taken (or a CRLF project would differ in every line), but
the comparison runs without a work tree, where they cannot hide a text file as "binary".
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from runner import snapshot
from runner.errors import AgentError
from runner.job import Job

_FORM = (
    "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip


def canonical(job: Job) -> bytes:
    """The diff from `job.base_sha` to the snapshot that is kept; empty when there is none. Raises as `of_tree`."""
    tree = snapshot.kept(job)
    return b"" if tree is None else of_tree(job, tree)


def of_tree(job: Job, tree: str) -> bytes:
    """The diff from `job.base_sha` to a snapshot; empty when nothing changed.

    Raises AgentError when it is larger than `job.max_diff_bytes`, GitError otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="pithy-diff-") as scratch:
        target = Path(scratch) / "diff"
        difference = ("diff-tree", "-r", "-p", *_FORM, f"--output={target}", job.base_sha, tree, "--")
        snapshot.git_of(job).run(*difference)
        size = target.stat().st_size
        if size > job.max_diff_bytes:
            raise AgentError(f"the change is {size:,} bytes as a diff; at most {job.max_diff_bytes:,} may leave")
        return target.read_bytes()
