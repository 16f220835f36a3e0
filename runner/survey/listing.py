"""The tracked files, and reading one of them without ever leaving the work tree."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from runner.gitio import Git

LARGEST = 200_000
"""Bytes of the largest file that is read. What is larger is data, or nothing a diff should rewrite whole."""
_PLAIN = (b"100644", b"100755")
_VENDORED = frozenset(
    ("node_modules", "vendor", "third_party", "bower_components", "dist", "__pycache__", ".venv", "site-packages")
)
_GENERATED = re.compile(
    r"\.min\.(?:js|css)$|\.map$|\.lock$|-lock\.(?:json|ya?ml)$|(?:^|/)(?:npm-shrinkwrap\.json|go\.sum|Pipfile\.lock)$"
    r"|\.bundle\.js$|_pb2\.py$|\.pb\.go$|\.snap$|\.svg$"
)
_BINARY = re.compile(
    r"\.(?:png|jpe?g|gif|ico|webp|bmp|tiff?|pdf|zip|gz|bz2|xz|zst|tar|tgz|7z|jar|war|class|o|a|so|dylib|dll|exe|pyc|wasm"
    r"|woff2?|ttf|otf|eot|mp[34]|ogg|wav|mov|avi|webm|sqlite3?|db|bin|dat|mo|mmdb|npy|npz|pkl|parquet|onnx|pt|safetensors)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class TrackedFile:
    """A file that may be shown, by path and size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """`total`: how many files git tracks. `paths`: all but vendored folders. `text`: those that a model may read."""

    total: int
    paths: tuple[str, ...]
    text: tuple[TrackedFile, ...]


def tracked(root: Path) -> Tracked:
    """List the work tree `root` by git's index; symlinks and submodules are listed, never followed."""
    paths: list[str] = []
    text: list[TrackedFile] = []
    entries = Git(cwd=root).run("ls-files", "-z", "--stage").split(b"\0")[:-1]
    for entry in entries:
        mode, _, raw = entry.partition(b" ")
        path = os.fsdecode(raw.partition(b"\t")[2])
        if not path or _VENDORED.intersection(path.split("/")[:-1]) or not path.isprintable():
            continue
        paths.append(path)
        if mode in _PLAIN and not _GENERATED.search(path) and not _BINARY.search(path):
            size = _size(f"{root}/{path}")
            if 0 <= size <= LARGEST:
                text.append(TrackedFile(path=path, size=size))
    return Tracked(total=len(entries), paths=tuple(paths), text=tuple(text))


def read_bytes(root: Path, path: str) -> bytes:
    """A tracked file's content; empty when it is no plain file (any more), is too large or looks binary."""
    try:
        fd = os.open(f"{root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with open(fd, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return b""
        data = file.read(LARGEST + 1)
    return b"" if len(data) > LARGEST or b"\0" in data[:8000] else data


def read_text(root: Path, path: str) -> str | None:
    """A tracked file's whole text, line ends as they are; None when there is none or it is not UTF-8."""
    try:
        return read_bytes(root, path).decode("utf-8") or None
    except UnicodeDecodeError:
        return None


def _size(path: str) -> int:
    """Bytes of a plain file, or -1."""
    try:
        found = os.lstat(path)
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1
