"""What of a diff is on the screen, row by row: in one column or two, with files folded away."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from pithy_local.tui.models.diffs import Diff

NONE = -1
"""In a row of two columns: nothing on this side."""


class DiffRows:
    """Each row is a file's head (`-2 - file`), or line numbers of the old and the new side.

    In one column `left` alone counts; in two, a removed line stands beside the added one that took its place.
    """

    def __init__(self, diff: Diff) -> None:
        self.diff = diff
        self.split = False
        self.viewed: set[int] = set()
        """Files that the user has done with."""
        self.folded: set[int] = set()
        """Files of which only the head is shown: a viewed one may be looked at once more."""
        self.arrange()

    def __len__(self) -> int:
        return len(self.left)

    def arrange(self) -> None:
        """Work the rows out anew: after another file was folded, or the columns changed."""
        self.left, self.right = array("q"), array("q")
        self._heads, self._stops = array("q"), array("q")
        for index, file in enumerate(self.diff.files):
            self._heads.append(len(self.left))
            folded = index in self.folded or not file.hunks
            if folded:
                self._stops.append(len(self.left))
            self.left.append(-2 - index)
            self.right.append(-2 - index)
            if not folded and self.split:
                self._pair(file.hunks[0], file.last)
            elif not folded:
                start = len(self.left) - file.hunks[0]
                self._stops.extend(start + hunk for hunk in file.hunks)
                self.left.extend(range(file.hunks[0], file.last))
        if not self.split:
            self.right = self.left

    def view(self, index: int) -> bool:
        """Fold this file away as viewed, or take that back; whether it is viewed now."""
        self.viewed ^= {index}
        self.folded = self.folded | {index} if index in self.viewed else self.folded - {index}
        self.arrange()
        return index in self.viewed

    def fold(self, index: int) -> None:
        """Fold this file, or show it again."""
        self.folded ^= {index}
        self.arrange()

    def set_split(self, split: bool) -> None:
        if split != self.split:
            self.split = split
            self.arrange()

    def file_at(self, row: int) -> int:
        """The index of the file that this row belongs to."""
        return bisect_right(self._heads, row) - 1

    def head(self, row: int) -> int | None:
        """The index of the file whose head this row is; None for any other row."""
        value = self.left[row]
        return -2 - value if value <= -2 else None

    def row_of_file(self, index: int) -> int:
        """Where this file's head stands."""
        return self._heads[index]

    def row_of(self, line: int) -> int:
        """Where this line stands; where it is not shown, its file's head."""
        head = self.row_of_file(self.diff.file_of(line))
        stop = self._heads[self.file_at(head) + 1] if self.file_at(head) + 1 < len(self._heads) else len(self)
        for side in (self.left, self.right):
            try:
                return side.index(line, head, stop)
            except ValueError:
                continue
        return head

    def line_at(self, row: int) -> int:
        """The line of the diff that a row is about: the new one of two; the file's first line for its head."""
        head = self.head(row)
        if head is not None:
            return self.diff.files[head].first
        return self.right[row] if self.right[row] != NONE else self.left[row]

    def next_stop(self, row: int, step: int, *, files: bool) -> int | None:
        """The next row up or down where a file (else: a hunk, or a file that shows none) begins; None: there is none.

        Up, from within a file or a hunk, is where that one begins.
        """
        stops = self._heads if files else self._stops
        at = bisect_right(stops, row) if step > 0 else bisect_left(stops, row) - 1
        return stops[at] if 0 <= at < len(stops) else None

    def place(self, row: int) -> str:
        """`path:12`, for people and models to find the place again; what is gone is counted as it was."""
        file = self.diff.files[self.file_at(row)]
        line = self.line_at(row)
        if self.diff.kind(line) == "@" and line + 1 < file.last:
            line += 1
        if self.diff.new[line]:
            return f"{file.path}:{self.diff.new[line]}"
        return f"{file.path}:{self.diff.old[line]} (removed line)" if self.diff.old[line] else file.path

    def hunk(self, row: int) -> bytes:
        """The hunk around this row; all of the file at its head."""
        line = self.line_at(row)
        file = self.diff.files[self.file_at(row)]
        number = self.diff.hunk_of(line)
        if not number:
            return self.diff.part(file.first, file.last)
        return self.diff.part(file.hunks[number - 1], file.hunks[number] if number < len(file.hunks) else file.last)

    def _pair(self, first: int, last: int) -> None:
        """Two columns of these lines. A missing newline at the end belongs to the side of the line before it."""
        removed, added = array("q"), array("q")
        for line, kind in enumerate(self.diff.kinds(first, last).decode("latin-1"), first):
            if kind == "-" or (kind == "\\" and removed and not added):
                if added:
                    self._flush(removed, added)
                removed.append(line)
            elif kind == "+" or (kind == "\\" and added):
                added.append(line)
            else:
                self._flush(removed, added)
                if kind == "@":
                    self._stops.append(len(self.left))
                self.left.append(line)
                self.right.append(line)
        self._flush(removed, added)

    def _flush(self, removed: array[int], added: array[int]) -> None:
        rows = max(len(removed), len(added))
        self.left.extend(removed)
        self.left.extend([NONE] * (rows - len(removed)))
        self.right.extend(added)
        self.right.extend([NONE] * (rows - len(added)))
        del removed[:], added[:]
