"""Files that were moved: a canonical diff has them as one that is deleted and one that is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pithy_local.tui.models.diffs import Diff, DiffFile

ALIKE = 60
"""Per cent of the lines that two files share, from which on one is the other, moved."""
MOST_FILES, MOST_LINES = 100, 5_000
"""Beyond so many, only files with exactly the same content are found: the rest is a square of work."""


def note_moves(diff: Diff) -> None:
    """Tell each file that is new where it came from, and the one that is gone where it went."""
    gone = [file for file in diff.files if file.change == "D" and file.blobs[0]]
    new = [file for file in diff.files if file.change == "A" and file.blobs[1]]
    known = {file.blobs[0]: file for file in gone if not _is_empty(file)}
    for file in new:
        same = known.pop(file.blobs[1], None)
        if same is not None:
            _note(same, file, 100)
    if gone and new and max(len(gone), len(new)) <= MOST_FILES:
        _note_similar(diff, gone, new)


def _note_similar(diff: Diff, gone: Sequence[DiffFile], new: Sequence[DiffFile]) -> None:
    """The most alike first: no file comes from two."""
    olds = [(file, _lines(diff, file)) for file in gone if _may_be_compared(file)]
    news = [(file, _lines(diff, file)) for file in new if _may_be_compared(file)]
    pairs = [(_alike(old, now), before, after) for before, old in olds for after, now in news]
    for alike, before, after in sorted(pairs, key=lambda pair: -pair[0]):
        if alike >= ALIKE and not before.moved and not after.moved:
            _note(before, after, min(alike, 99))


def _may_be_compared(file: DiffFile) -> bool:
    return not file.moved and bool(file.hunks) and file.added + file.removed <= MOST_LINES


def _is_empty(file: DiffFile) -> bool:
    return not file.hunks and not file.binary


def _lines(diff: Diff, file: DiffFile) -> Counter[bytes]:
    """The content, without signs."""
    return Counter(line[1:] for line in diff.part(file.hunks[0] + 1, file.last).splitlines() if len(line) > 1)


def _alike(old: Counter[bytes], new: Counter[bytes]) -> int:
    """Per cent of the larger one's lines that both have."""
    most = max(old.total(), new.total())
    if min(old.total(), new.total()) * 100 < ALIKE * most:
        return 0
    return (old & new).total() * 100 // most if most else 0


def _note(before: DiffFile, after: DiffFile, alike: int) -> None:
    same = "unchanged" if alike == 100 else f"{alike}% the same"
    before.change = after.change = "R"
    before.moved, after.moved = f"moved to {after.path}", f"moved from {before.path}, {same}"
