"""The file system as one walk finds it: what can be written, sockets, set-id programs, devices. Walked once."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KERNEL = ("/proc", "/sys")
"""The kernel's own; judged by its mounts and by name."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """Paths, sorted. `writable`: directories in which a file was made (and removed), and files open to writing."""

    writable: tuple[str, ...]
    sockets: tuple[str, ...]
    set_id: tuple[tuple[str, int, int], ...]
    """(path, mode, owner) of programs with a set-user-id or set-group-id bit."""
    devices: tuple[tuple[str, int, int, bool], ...]
    """(path, major, minor, whether a block device)."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One line of mountinfo. `options` are the mount's own, `data` those of the file system behind it."""

    place: str
    options: frozenset[str]
    kind: str
    data: frozenset[str]


@functools.cache
def tree() -> Tree:
    writable: list[str] = []
    sockets: list[str] = []
    set_id: list[tuple[str, int, int]] = []
    devices: list[tuple[str, int, int, bool]] = []
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if f"/{name}" not in KERNEL]
        if _takes_a_file(folder):
            writable.append(folder)
        for path, found in _stats(folder, files):
            if stat.S_ISREG(found.st_mode):
                if os.access(path, os.W_OK):
                    writable.append(path)
                if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
                    set_id.append((path, found.st_mode, found.st_uid))
            elif stat.S_ISSOCK(found.st_mode):
                sockets.append(path)
            elif stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
                number = found.st_rdev
                devices.append((path, os.major(number), os.minor(number), stat.S_ISBLK(found.st_mode)))
    return Tree(
        writable=tuple(sorted(writable)), sockets=tuple(sorted(sockets)), set_id=tuple(sorted(set_id)),
        devices=tuple(sorted(devices)),
    )  # fmt: skip


@functools.cache
def mounts() -> dict[str, Mount]:
    """By place; of several at one place the last, which hides the others."""
    found = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        own, _, behind = line.partition(" - ")
        place, options = own.split()[4:6]
        kind, _, data = behind.split(" ", 2)
        found[place] = Mount(
            place=place, options=frozenset(options.split(",")), kind=kind, data=frozenset(data.split(","))
        )
    return found


def _stats(folder: str, names: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118  # a hundred thousand Path objects take seconds
        try:
            yield path, os.lstat(path)
        except OSError:
            pass  # gone, or not for us to see


def _takes_a_file(folder: str) -> bool:
    """Really tried: no mode, no access list and no flag of a mount is second-guessed."""
    target = Path(folder, f".probe-{os.getpid()}")
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return False
    target.unlink()
    return True
