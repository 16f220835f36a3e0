"""How much a diff changes, counted by git without applying it."""

from __future__ import annotations

from pithy_local.git.mirror import Mirror
from pithy_local.git.policy import Stat


def diff_stat(mirror: Mirror, diff: bytes) -> Stat:
    """Files, added and removed lines of a canonical diff; zeros for one that git cannot read."""
    told = mirror.git.run("apply", "--numstat", "-z", "-", stdin=diff, check=False)
    return Stat.of_numstat(told.stdout if told.ok else b"")
