"""Which lines of a log have a text, as far as that is known: for a filter's rows, and to number a search's matches."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from pithy_local.service import Needle
from pithy_local.tui.records import Matches, Scan

MOST_COUNTED = 100_000
"""Matches of a search from which on nobody counts them: they take eight bytes each."""


class LogMatches:
    """The lines with every needle in them, by number (`seqs`, in order); it grows as scans are answered."""

    def __init__(self, needles: tuple[Needle, ...], end: int | None, most: int | None = None) -> None:
        """`end`: the log's last line, None where nobody knows it yet. `most`: so many are enough; None: all of them."""
        self.needles = needles
        self.seqs = array("Q")
        self._most = most
        self._scanned = 0
        self._goal = end

    def learn_end(self, end: int) -> None:
        """The log's last line now."""
        self._goal = end if self._goal is None else self._goal

    def take(self, found: Matches, first: int) -> bool:
        """What a scan found, from line `first` on; False where it answers another question."""
        if found.needles != self.needles or found.after != self._scanned:
            return False
        self.seqs.extend(found.seqs[bisect_left(found.seqs, first) :])
        self._scanned = found.scanned
        return True

    def forget_before(self, first: int) -> int:
        """Lines before this one are no longer kept; how many of them were here."""
        gone = bisect_left(self.seqs, first)
        del self.seqs[:gone]
        return gone

    def scan(self, task: str, end: int) -> Scan | None:
        """What there is to be asked about a log that ends with this line."""
        if self._scanned >= end or self._enough:
            return None
        most = None if self._most is None else self._most - len(self.seqs)
        return Scan(task=task, needles=self.needles, after=self._scanned, most=most)

    @property
    def searched(self) -> bool:
        """Whether all lines have been looked at that there were at the beginning: more come in for ever."""
        return self._goal is not None and self._scanned >= self._goal

    def more(self, end: int) -> bool:
        """Whether there may be more of them in a log that ends with this line; what just came in does not count."""
        return self._scanned < end if self._enough else not self.searched

    @property
    def _enough(self) -> bool:
        return self._most is not None and len(self.seqs) >= self._most


def numbered(found: Sequence[int], at: int, *, more: bool) -> str:
    """`match 3 of 17`, or `17 matches` where `at` is none of those `found`; "" without any. `more`: there may be more
    of them, which a `+` tells."""
    if not found:
        return ""
    count = f"{len(found):,}{'+' * more}"
    place = bisect_left(found, at)
    if place < len(found) and found[place] == at:
        return f"match {place + 1:,} of {count}"
    return f"{count} match{'es' * (len(found) > 1 or more)}"
