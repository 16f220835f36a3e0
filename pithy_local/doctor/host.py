"""This machine: Python, git, the data directory, SQLite, the clock."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pithy_local.doctor.check import Check, Facts, TimeSample, Unopened, dotted, failed, free_space, numbers
from pithy_local.errors import PithyError
from pithy_local.lifecycle.upkeep.premises import NETWORK_HINT
from pithy_local.paths import NETWORK_FILE_SYSTEMS, file_system

PYTHON_FIXED = (3, 11, 4)
"""The first release of 3.11 that unpacks archives with a filter."""
SQLITE_FIXED = (3, 51, 3)
"""The first release without the WAL-reset bug."""
MOST_SKEW_MS = 30_000


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    message = f"Python {dotted(version)}"
    if version >= PYTHON_FIXED:
        return Check(name="python", ok=True, message=message)
    fix = f"Use Python {dotted(PYTHON_FIXED)} or newer: older ones unpack archives without a filter."
    return Check(name="python", ok=None, message=message, fix=fix)


def check_git() -> Check:
    from pithy_local.git.adapter import git_version

    try:
        return Check(name="git", ok=True, message=f"git {git_version()}")
    except PithyError as error:
        return failed("git", error)


def check_home(facts: Facts) -> Iterator[Check]:
    """Room, a local file system, nobody else's eyes; or why it cannot be opened."""
    root = facts.home.root
    there = next(folder for folder in (root, *root.parents) if os.access(folder, os.F_OK))
    yield free_space("disk", there, "Free some space, or put the data directory elsewhere with PITHY_HOME.")
    if isinstance(facts, Unopened):
        yield failed("home", facts.problem)
    else:
        yield judged_home(root, root.stat(), file_system(root))


def judged_home(root: Path, found: os.stat_result, kind: str) -> Check:
    """`kind`: the file system's, "" where it is not known."""
    if kind in NETWORK_FILE_SYSTEMS:
        return Check(name="home", ok=None, message=f"{root} lies on a network file system ({kind})", fix=NETWORK_HINT)
    if found.st_uid != os.geteuid():
        fix = "Set PITHY_HOME to a folder of your own."
        return Check(name="home", ok=None, message=f"{root} belongs to somebody else (user {found.st_uid})", fix=fix)
    if stat.S_IMODE(found.st_mode) & 0o077:
        fix = "Set PITHY_HOME to a folder on a file system that keeps modes: it holds logs, diffs and clones."
        message = f"{root} can be entered by others (mode {stat.S_IMODE(found.st_mode):04o})"
        return Check(name="home", ok=None, message=message, fix=fix)
    return Check(name="home", ok=True, message=f"{root}, yours alone" + (f", on {kind}" if kind else ""))


def check_sqlite(version: str = sqlite3.sqlite_version) -> Check:
    """The library this Python runs with; older ones can damage a database that several processes checkpoint."""
    if numbers(version) >= SQLITE_FIXED:
        return Check(name="sqlite", ok=True, message=f"SQLite {version}")
    message = f"SQLite {version} has the WAL-reset bug; pithy-local avoids it: one process alone checkpoints"
    fix = f"Nothing must be done; a Python with SQLite {dotted(SQLITE_FIXED)} or newer is free of it."
    return Check(name="sqlite", ok=None, message=message, fix=fix)


def check_clock(samples: Sequence[TimeSample]) -> Iterator[Check]:
    """This machine's clock beside the clocks of those who answered; nothing where nobody did."""
    if not samples:
        return
    worst = max(samples, key=lambda sample: abs(sample.ahead_ms))
    seconds = abs(worst.ahead_ms) / 1000
    if abs(worst.ahead_ms) <= MOST_SKEW_MS:
        yield Check(name="clock", ok=True, message=f"within {max(seconds, 1):.0f} s of {worst.whose}")
        return
    way = "ahead of" if worst.ahead_ms > 0 else "behind"
    fix = "Set the clock, for example with `timedatectl set-ntp true`: certificates and tokens are judged by it."
    yield Check(name="clock", ok=None, message=f"{seconds:.0f} s {way} {worst.whose}", fix=fix)
