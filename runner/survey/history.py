"""Which files were changed together, as far as the commits that are there tell."""

from __future__ import annotations

import os
from pathlib import Path

from runner.errors import GitError
from runner.gitio import Git

MOST_COMMITS = 50
MOST_FILES = 20
"""A commit of more files is a release, a move or the root of a shallow clone: it says nothing about any two of them."""


def changed_together(root: Path) -> tuple[tuple[str, ...], ...]:
    """The paths of each commit that changed few files, the latest commit first; () where git cannot tell."""
    try:
        log = Git(cwd=root).run(
            "log", "-z", f"--max-count={MOST_COMMITS}", "--no-merges", "--no-renames", "--name-only", "--format=%x01"
        )
    except GitError:
        return ()
    commits = []
    for entry in log.split(b"\x01")[1:]:
        paths = tuple(os.fsdecode(raw.lstrip(b"\n")) for raw in entry.split(b"\0") if raw.strip(b"\n"))
        if 0 < len(paths) <= MOST_FILES:
            commits.append(paths)
    return tuple(commits)
