"""A diff becomes a commit, index-only, in our own bare mirror: no file of it is ever checked out on the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
) -> Commit:
    """Apply `diff` to `base_sha`, judge the result, commit it and keep it as refs/pithy/<task>/head.

    `author` is `Name <email>`, "" = this host's git identity. The mirror must hold `base_sha`.
    Raises PithyError: patch_empty, patch_rejected (`detail["git"]` says where), policy, disk_full, internal.
    """
    if not diff.strip():
        raise PithyError(ErrorCode.PATCH_EMPTY, "the change is empty")
    with _index(mirror, task) as git:
        base_tree = git.run("rev-parse", "--verify", f"{base_sha}^{{tree}}").text
        tree = _apply(git, base_sha, diff)
        if tree == base_tree:
            raise PithyError(ErrorCode.PATCH_EMPTY, "the change leaves every file as it was")
        stat = check(git, base_tree, tree, protected)
        sha = _commit(git, base_sha, tree, message, host_identity(author))
    mirror.pin(task, sha, "head")
    return Commit(sha=sha, stat=stat)


@contextmanager
def _index(mirror: Mirror, task: str) -> Iterator[Git]:
    """git in the mirror with an index of its own, gone afterwards."""
    git = mirror.git
    folder = mirror.scratch(task)
    remove_tree(folder)  # of an attempt that was killed
    folder.mkdir(mode=0o700)
    try:
        yield git.with_env(GIT_INDEX_FILE=str(folder / "index"))
    finally:
        remove_tree(folder)


def _apply(git: Git, base_sha: str, diff: bytes) -> str:
    """The tree that the diff makes of the base."""
    read = git.run("read-tree", base_sha, check=False)
    if not read.ok:
        raise PithyError(ErrorCode.REPO_ANALYSIS, "the base commit cannot be read", hint="", detail={"git": tail(read)})
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


def _commit(git: Git, parent: str, tree: str, message: str, author: tuple[str, str]) -> str:
    name, email = author
    named = git.with_env(
        GIT_AUTHOR_NAME=name, GIT_AUTHOR_EMAIL=email, GIT_COMMITTER_NAME=name, GIT_COMMITTER_EMAIL=email
    )
    text = message.replace("\0", "").strip() + "\n"
    return named.run("commit-tree", tree, "-p", parent, "-F", "-", stdin=text.encode("utf-8", "replace")).text
