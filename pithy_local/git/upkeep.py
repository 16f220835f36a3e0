"""Mirrors as folders on a disk: how large they are, when they were used last, and what of them may go."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pithy_local.git.adapter import Git
from pithy_local.git.mirror import LOCK, readable, unpin
from pithy_local.git.refs import TASK
from pithy_local.git.remote import Remote
from pithy_local.paths import remove_tree

QUIET_SECONDS = 3600.0
"""A mirror that was used within this time stays: `add` looks at a repository before there is a task that needs it."""
GONE = ".gone-"
"""What the name of a mirror that is being removed begins with: nobody takes that for one."""
PINS = "refs/pithy/"


@dataclass(frozen=True)
class StoredMirror:
    """One mirror, known by its folder alone: its remote may be gone, or nobody's any more."""

    folder: Path

    @property
    def repo(self) -> Path:
        return self.folder / "repo.git"

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return tree_size(self.folder)

    @property
    def last_used(self) -> float:
        """Seconds since 1970."""
        try:
            return (self.folder / LOCK).stat().st_mtime
        except OSError:
            return 0.0  # its maker died before it had one

    def is_of(self, remote: Remote) -> bool:
        """Whether it may be the remote's; the URL that the forge named is not known here."""
        return self.folder.name.rpartition("-")[0] == readable(remote)

    def pinned(self, *, packed: bool) -> set[str]:
        """The tasks that something is kept for; those of refs that a gc has packed only if wanted.

        Files alone are read: git takes 10 ms to start.
        """
        loose = {ref.parent.name for ref in self.repo.glob(f"{PINS}*/*")}
        return {task for task in loose | (self._packed() if packed else set()) if TASK.fullmatch(task)}

    def release(self, task: str) -> None:
        """Let go of the commits that are kept for a task. Raises PithyError (git_missing, internal)."""
        unpin(Git(cwd=self.repo, home=self.folder / "home", git_dir=self.repo), task)

    def remove(self) -> bool:
        """Remove it; False where somebody uses it, or did within the last hour."""
        with self._unused() as free:
            if free:
                self.folder.rename(self.folder.with_name(GONE + self.folder.name))
        if free:
            remove_tree(self.folder.with_name(GONE + self.folder.name))
        return free

    @contextmanager
    def _unused(self) -> Iterator[bool]:
        handle = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False  # it is being fetched
        else:
            yield time.time() - self.last_used > QUIET_SECONDS
        finally:
            os.close(handle)

    def _packed(self) -> set[str]:
        try:
            lines = (self.repo / "packed-refs").read_text("ascii", "replace").splitlines()
        except OSError:
            return set()
        names = (line.partition(" ")[2] for line in lines)
        return {name.split("/")[2] for name in names if name.startswith(PINS)}


def stored(mirrors: Path) -> list[StoredMirror]:
    """Every mirror below this folder, least recently used first."""
    found = [StoredMirror(path) for path in mirrors.glob("*/") if not path.name.startswith(GONE)]
    return sorted(found, key=lambda mirror: mirror.last_used)


def shrink(mirrors: Path, limit: int, needed: Callable[[], Collection[Remote]]) -> list[tuple[StoredMirror, int]]:
    """Remove mirrors, least recently used first, until the rest takes `limit` bytes or less.

    Those of `needed` stay (it is called only if something must go), and those in use. Returns what was removed, with
    its size in bytes. Raises OSError.
    """
    for half in mirrors.glob(f"{GONE}*"):
        remove_tree(half)
    there = [(mirror, mirror.size) for mirror in stored(mirrors)]
    total, removed = sum(size for _, size in there), []
    kept = needed() if total > limit else ()
    for mirror, size in there:
        if total <= limit:
            break
        if not any(mirror.is_of(remote) for remote in kept) and mirror.remove():
            total -= size
            removed.append((mirror, size))
    return removed


def tree_size(folder: Path) -> int:
    """Bytes of all files below a folder; what vanishes meanwhile does not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118  # thousands of files: no objects
            except OSError:
                continue
    return total
