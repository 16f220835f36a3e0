"""How much a diff changes, counted by git without applying it."""

from __future__ import annotations

from pithy_local.git.mirror import Mirror
from pithy_local.git.policy import Stat


def diff_stat(mirror: Mirror, diff: bytes) -> Stat:
    """Files, added and removed lines of a canonical diff; zeros for one that git cannot read."""
    told = mirror.git.run("apply", "--numstat", "-z", "-", stdin=diff, check=False)
    rows = [entry.split(b"\t", 2) for entry in told.stdout.split(b"\0") if entry.count(b"\t") >= 2] if told.ok else []
    numbers = [(int(added), int(removed)) for added, removed, _ in rows if added.isdigit() and removed.isdigit()]
    return Stat(files=len(rows), added=sum(a for a, _ in numbers), removed=sum(r for _, r in numbers))
