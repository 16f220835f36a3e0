"""The work tree as the engine sees it: plain text files, never through a symbolic link, and what this answer makes."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
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
    """The files below `root`. `pending` are those that earlier parts of the same answer made or took away (None).

    `not_seen`: those of which the model saw parts, or nothing.
    """

    def __init__(self, root: Path, not_seen: Collection[str] = ()) -> None:
        self.root = root
        self.not_seen = not_seen
        self._base = os.fspath(root)
        self.pending: dict[str, File | None] = {}
        self._sources: dict[str, Source] = {}
        self._names: dict[str, dict[str, list[str]]] = {}

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

    def free(self, path: str, *, instead_of: str | None = None) -> None:
        """See that a file can be made at `path`, in the place of `instead_of`. Raises Stop: unsafe_path, exists."""
        gone = path in self.pending and self.pending[path] is None
        if not gone and (path in self.pending or self._status(path) is not None):
            raise stop("exists", f"{path} exists already; to change it send hunks that match it", path)
        for twin in self._twins(path):
            if twin != instead_of:
                raise stop("exists", f"{path} cannot be made beside {twin}: some file systems take both for one", path)

    def _twins(self, path: str) -> Iterator[str]:
        """Files and folders that cannot be there together with `path` on every file system."""
        made = [known for known, file in self.pending.items() if file is not None]
        yield from (known for known in made if known.startswith(f"{path}/") or path.startswith(f"{known}/"))
        yield from (known for known in made if known != path and known.casefold() == path.casefold())
        for part in _chain(path):
            folder, _, name = part.rpartition("/")
            for other in self._folded(folder).get(name.casefold(), ()):
                twin = f"{folder}/{other}" if folder else other
                if other != name and self.pending.get(twin, File(data=b"", mode="")) is not None:
                    yield twin

    def _folded(self, folder: str) -> dict[str, list[str]]:
        """The names in `folder` by their form without case; none if it is not there."""
        if folder not in self._names:
            names = self._names.setdefault(folder, {})
            full = self.root / folder
            for path in full.iterdir() if full.is_dir() else ():
                names.setdefault(path.name.casefold(), []).append(path.name)
        return self._names[folder]

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
        if path in self.pending:
            return self._read(path)
        if path not in self._sources:
            self._sources[path] = self._read(path)
        return self._sources[path]

    def _read(self, path: str) -> Source:
        data = self.file(path).data
        if b"\0" in data:
            raise stop("not_text", f"{path} is a binary file", path)
        if data.count(b"\n") > _LINES_LIMIT:
            raise stop("too_large", f"{path} has more than {_LINES_LIMIT:,} lines", path)
        return Source.of(data.decode("utf-8", "surrogateescape"))

    def similar(self, names: Sequence[str]) -> list[str]:
        """Files whose path ends with one of `names`, or is the end of one: directories too few or too many."""
        alike = {path for name in names for path in self._files.get(name.rpartition("/")[2], ())}
        found = [
            path
            for path in sorted(alike)
            if any(path.endswith(f"/{name}") or name.endswith(f"/{path}") for name in names) and self._is_plain(path)
        ]
        return found[:_SUFFIX_MATCHES]

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """The paths of all files by their last part."""
        listed = Git(cwd=self.root).run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        paths: dict[str, list[str]] = {}
        for path in {os.fsdecode(name) for name in listed.split(b"\0") if name}:
            paths.setdefault(path.rpartition("/")[2], []).append(path)
        return paths

    def _is_plain(self, path: str) -> bool:
        """Whether it is a file that may be changed."""
        return why_unsafe(path) is None and not self._below_link(path) and self.is_file(path)

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
