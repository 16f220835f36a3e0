"""What differs between two trees, and the contents of it: read by git, from a repository nothing is checked out of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pithy_local.git.adapter import Git

REGULAR = ("100644", "100755")
SYMLINK = "120000"
GITLINK = "160000"
ABSENT = "000000"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One changed path of `diff-tree --raw`; modes as six octal digits, ABSENT where there is no file."""

    path: bytes
    old_mode: str
    mode: str
    old_blob: str
    blob: str

    @property
    def gone(self) -> bool:
        return self.mode == ABSENT

    @property
    def added(self) -> bool:
        return self.old_mode == ABSENT

    @property
    def before(self) -> str | None:
        """The blob that was there, None where there was none."""
        return self.old_blob if self.old_mode not in (ABSENT, GITLINK) else None

    @property
    def after(self) -> str | None:
        """The blob that is there now, None where there is none."""
        return self.blob if self.mode not in (ABSENT, GITLINK) else None


def changed(git: Git, base: str, tree: str) -> list[Entry]:
    """Every path that is not the same in both trees."""
    return parse_raw(git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", base, tree).stdout)


def parse_raw(raw: bytes) -> list[Entry]:
    """`:old new oldsha newsha S NUL path NUL …` as entries."""
    fields = raw.split(b"\0")
    entries = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, mode, old_blob, blob, _ = meta.decode("ascii").lstrip(":").split(" ")
        entries.append(Entry(path=path, old_mode=old_mode, mode=mode, old_blob=old_blob, blob=blob))
    return entries


def blob_sizes(git: Git, blobs: Collection[str]) -> dict[str, int]:
    """Bytes of each blob, by object id."""
    asked = git.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=_lines(blobs))
    pairs = (line.split() for line in asked.text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if pair[1].isdigit()}


def blob_contents(git: Git, blobs: Collection[str]) -> dict[str, bytes]:
    """The content of each blob, by object id; all are in memory at once."""
    found: dict[str, bytes] = {}
    data = git.run("cat-file", "--batch=%(objectname) %(objectsize)", stdin=_lines(blobs)).stdout if blobs else b""
    at = 0
    while at < len(data):
        start = data.index(b"\n", at) + 1
        name, size = data[at : start - 1].decode("ascii").split()
        at = start + int(size) + 1
        found[name] = data[start : at - 1]
    return found


def all_paths(git: Git, tree: str) -> list[bytes]:
    """The path of every file in a tree."""
    return git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree).stdout.split(b"\0")[:-1]


def _lines(words: Collection[str]) -> bytes:
    return "".join(f"{word}\n" for word in sorted(set(words))).encode("ascii")
