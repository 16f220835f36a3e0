"""A diff becomes a commit, index-only, in our own bare mirror: no file of it is ever checked out on the host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import Git, Result, tail
from pithy_local.git.mirror import Mirror
from pithy_local.git.names import shown
from pithy_local.git.policy import Stat, check, stopped
from pithy_local.git.userconfig import host_identity
from pithy_local.paths import remove_tree

BAD_PATH = re.compile(r"invalid path '(.*)'|affected file '(.*)' is beyond a symbolic link")


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit in the mirror, on top of its base, and what it changes."""

    sha: str
    stat: Stat


def make_commit(
    mirror: Mirror,
    task: str,
    base_sha: str,
    diff: bytes,
    *,
    message: str,
    protected: tuple[str, ...],
    author: str = "",
    secrets: Sequence[str] = (),
    accepted: bool = False,
) -> Commit:
    """Apply `diff` to `base_sha`, judge the result, commit it and keep it as refs/pithy/<task>/head.

    `author` is `Name <email>`, "" = this host's git identity. `secrets` are this process' own: none may be published.
    `accepted`: a person took the change; what only needs a look is let through. The mirror must hold `base_sha`.
    Raises PithyError: patch_empty, patch_rejected (`detail["git"]` says where), policy, repo_analysis, disk_full,
    internal.
    """
    if not diff.strip():
        raise PithyError(ErrorCode.PATCH_EMPTY, "the change is empty")
    with scratch_index(mirror, task, base_sha) as git:
        base_tree = git.run("rev-parse", "--verify", f"{base_sha}^{{tree}}").text
        tree = _apply(git, diff)
        if tree == base_tree:
            raise PithyError(ErrorCode.PATCH_EMPTY, "the change leaves every file as it was")
        stat = check(git, base_tree, tree, protected, secrets=secrets, accepted=accepted)
        sha = commit_tree(git, base_sha, tree, message, author)
    mirror.pin(task, sha, "head")
    return Commit(sha=sha, stat=stat)


@contextmanager
def scratch_index(mirror: Mirror, task: str, sha: str) -> Iterator[Git]:
    """git in the mirror with an index of its own that holds the commit's files, gone afterwards.

    Raises PithyError (repo_analysis) for a commit that cannot be read.
    """
    git = mirror.git
    folder = mirror.scratch(task)
    remove_tree(folder)  # of an attempt that was killed
    folder.mkdir(mode=0o700)
    try:
        indexed = git.with_env(GIT_INDEX_FILE=str(folder / "index"))
        read = indexed.run("read-tree", sha, check=False)
        if not read.ok:
            hint = f"The copy in {mirror.folder} is damaged: remove it, then `pithy-local retry ID` fetches it again."
            what = f"commit {sha[:12]} cannot be read"
            raise PithyError(ErrorCode.REPO_ANALYSIS, what, hint=hint, detail={"git": tail(read)})
        yield indexed
    finally:
        remove_tree(folder)


def _apply(git: Git, diff: bytes) -> str:
    """The tree that the diff makes of the index."""
    applied = git.run("apply", "--cached", "--binary", "--whitespace=nowarn", "-", stdin=diff, check=False)
    if not applied.ok:
        raise _refusal(applied)
    written = git.run("write-tree", check=False)
    if not written.ok:
        raise _refusal(written)
    return written.text


def _refusal(result: Result) -> PithyError:
    """Why a diff does not apply: a path or a size that policy forbids, or content that does not fit."""
    if result.over_limit:
        return stopped("size", "", "applying it takes more memory, time or disk than a change may use")
    path = BAD_PATH.search(result.stderr)
    if path is not None:
        return stopped("path", shown(path[1] or path[2]), "git does not write to such a path")
    return PithyError(ErrorCode.PATCH_REJECTED, "the diff does not fit the base commit", detail={"git": tail(result)})


def commit_tree(git: Git, parent: str, tree: str, message: str, author: str) -> str:
    """Commit `tree` on top of `parent`; the new commit's id. `author` is `Name <email>`, "" = the host's identity."""
    name, email = host_identity(author)
    named = git.with_env(
        GIT_AUTHOR_NAME=name, GIT_AUTHOR_EMAIL=email, GIT_COMMITTER_NAME=name, GIT_COMMITTER_EMAIL=email
    )
    text = message.replace("\0", "").strip() + "\n"
    return named.run("commit-tree", tree, "-p", parent, "-F", "-", stdin=text.encode("utf-8", "replace")).text
