"""The work tree as the engine sees it: plain text files, never through a symbolic link, and what this answer makes."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from runner.gitio import Git
from runner.patch.refusal import stop
from runner.patch.safety import why_unsafe
from runner.patch.source import Source

_SIZE_LIMIT = 10_000_000
_LINES_LIMIT = 500_000
_SUFFIX_MATCHES = 20


@dataclass(frozen=True, kw_only=True)
class File:
    """A file's bytes and git's mode of it."""

    data: bytes
    mode: str


class WorkTree:
    """The files below `root`. `pending` are those that earlier parts of the same answer made or took away (None)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._base = os.fspath(root)
        self.pending: dict[str, File | None] = {}

    def existing(self, names: Sequence[str]) -> str | None:
        """The first of `names` that is a file. Raises Stop(unsafe_path) if any of them may not be touched."""
        for name in names:
            if why := why_unsafe(name):
                raise stop("unsafe_path", f"{name!r}: {why}", name)
        return next((name for name in names if self.is_file(name)), None)

    def is_file(self, path: str) -> bool:
        """Whether `path` is there. Raises Stop(unsafe_path) for a link, and for what is below one."""
        if path in self.pending:
            return self.pending[path] is not None
        status = self._status(path)
        return status is not None and stat.S_ISREG(status.st_mode)

    def free(self, path: str) -> None:
        """See that a file can be made at `path`. Raises Stop: unsafe_path, exists."""
        if path in self.pending and self.pending[path] is None:
            return
        if path in self.pending or self._status(path) is not None:
            raise stop("exists", f"{path} exists already; to change it send hunks that match it", path)

    def file(self, path: str) -> File:
        """The file at `path`, which is there. Raises Stop(too_large)."""
        known = self.pending.get(path)
        if known is not None:
            return known
        full = self.root / path
        status = full.stat()
        if status.st_size > _SIZE_LIMIT:
            raise stop("too_large", f"{path} has {status.st_size:,} bytes; at most {_SIZE_LIMIT:,} are read", path)
        return File(data=full.read_bytes(), mode="100755" if status.st_mode & stat.S_IXUSR else "100644")

    def source(self, path: str) -> Source:
        """The text of the file at `path`. Raises Stop: not_text, too_large."""
        data = self.file(path).data
        if b"\0" in data:
            raise stop("not_text", f"{path} is a binary file", path)
        if data.count(b"\n") > _LINES_LIMIT:
            raise stop("too_large", f"{path} has more than {_LINES_LIMIT:,} lines", path)
        return Source.of(data.decode("utf-8", "surrogateescape"))

    def similar(self, names: Sequence[str]) -> list[str]:
        """Files whose path ends with one of `names`, or is the end of one: directories too few or too many."""
        found = [
            path
            for path in self._files
            if any(path.endswith(f"/{name}") or name.endswith(f"/{path}") for name in names) and self.is_file(path)
        ]
        return found[:_SUFFIX_MATCHES]

    @cached_property
    def _files(self) -> list[str]:
        listed = Git(cwd=self.root).run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        paths = {os.fsdecode(name) for name in listed.split(b"\0") if name}
        return sorted(path for path in paths if why_unsafe(path) is None and not self._below_link(path))

    def _below_link(self, path: str) -> bool:
        return any((self.root / parent).is_symlink() for parent in _chain(path))

    def _status(self, path: str) -> os.stat_result | None:
        """What is at `path`, None if nothing. Raises Stop(unsafe_path) for links and for a file in a folder's place."""
        status: os.stat_result | None = None
        for part in _chain(path):
            try:
                status = os.lstat(f"{self._base}/{part}")
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError as error:
                raise stop("unsafe_path", f"{path}: {error.strerror}", path) from error
            if stat.S_ISLNK(status.st_mode):
                raise stop("unsafe_path", f"{path}: {part} is a symbolic link", path)
            if part == path:
                break
            if not stat.S_ISDIR(status.st_mode):
                raise stop("unsafe_path", f"{path}: {part} is a file, not a folder", path)
        if status is not None and not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise stop("unsafe_path", f"{path} is neither a file nor a folder", path)
        return status


def _chain(path: str) -> list[str]:
    """`a/b/c` as `a`, `a/b`, `a/b/c`."""
    parts = path.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
