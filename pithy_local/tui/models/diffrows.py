"""What of a diff is on the screen, row by row: in one column or two, with files folded away."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from pithy_local.tui.models.diffs import Diff, DiffFile
from pithy_local.tui.models.moves import note_moves

NONE = -1
"""In a row of two columns: nothing on this side."""


class DiffRows:
    """Each row is a file's head, or a line of the old and one of the new side.

    In one column both are the same line; in two, a removed line stands beside the added one that took its place. What
    takes time is done at once: folding, and going from one column to two, cost no more than there are hunks.
    """

    def __init__(self, diff: Diff) -> None:
        self.diff = diff
        self.split = False
        self.viewed: set[int] = set()
        """Files that the user has done with."""
        self.folded: set[int] = set()
        """Files of which only the head is shown: a viewed one may be looked at once more."""
        self._columns = [_Columns(diff, file) for file in diff.files]
        self.arrange()

    def __len__(self) -> int:
        return self._rows

    def arrange(self) -> None:
        """Work out anew where files and hunks begin: after another file was folded, or the columns changed."""
        self._heads, self._stops = array("I"), array("I")
        at = 0
        for index, (file, columns) in enumerate(zip(self.diff.files, self._columns, strict=True)):
            self._heads.append(at)
            if index in self.folded or not file.hunks:
                self._stops.append(at)
                at += 1
                continue
            at += 1
            if self.split:
                self._stops.extend(at + hunk for hunk in columns.hunks)
                at += len(columns.left)
            else:
                self._stops.extend(at + hunk - file.hunks[0] for hunk in file.hunks)
                at += file.last - file.hunks[0]
        self._rows = at

    def show(self, viewed: set[int], *, split: bool) -> None:
        """Fold these files away as viewed, and no other one, in one column or two."""
        self.viewed, self.folded, self.split = viewed, {*viewed}, split
        self.arrange()

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
        index = self.file_at(row)
        return index if self._heads[index] == row else None

    def lines(self, row: int) -> tuple[int, int]:
        """The lines of the old and of the new side in this row, which is no head; NONE where there is none."""
        index = self.file_at(row)
        at = row - self._heads[index] - 1
        if self.split:
            columns = self._columns[index]
            return columns.left[at], columns.right[at]
        line = self.diff.files[index].hunks[0] + at
        return line, line

    def row_of_file(self, index: int) -> int:
        """Where this file's head stands."""
        return self._heads[index]

    def row_of(self, line: int) -> int:
        """Where this line stands; where it is not shown, its file's head."""
        index = self.diff.file_of(line)
        head, file = self._heads[index], self.diff.files[index]
        if index in self.folded or not file.hunks or line < file.hunks[0]:
            return head
        return head + 1 + (self._columns[index].row_of(line) if self.split else line - file.hunks[0])

    def line_at(self, row: int) -> int:
        """The line of the diff that a row is about: the new one of two; the file's first line for its head."""
        head = self.head(row)
        if head is not None:
            return self.diff.files[head].first
        left, right = self.lines(row)
        return right if right != NONE else left

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


def laid_out(data: bytes) -> DiffRows:
    """A diff, ready to be shown. For a thread: a million lines take a second."""
    diff = Diff(data)
    note_moves(diff)
    return DiffRows(diff)


class _Columns:
    """The lines of one file side by side. A missing newline at the end belongs to the side of the line before it."""

    def __init__(self, diff: Diff, file: DiffFile) -> None:
        self.left, self.right = array("i"), array("i")
        self.hunks = array("I")
        """Rows where a hunk begins."""
        if file.hunks:
            self._pair(file.hunks[0], diff.kinds(file.hunks[0], file.last).decode("latin-1"))

    def row_of(self, line: int) -> int:
        for side in (self.left, self.right):
            try:
                return side.index(line)
            except ValueError:
                continue
        raise ValueError(f"line {line} is of another file")

    def _pair(self, first: int, kinds: str) -> None:
        removed, added = array("i"), array("i")
        for line, kind in enumerate(kinds, first):
            if kind == "-" or (kind == "\\" and removed and not added):
                if added:
                    self._flush(removed, added)
                removed.append(line)
            elif kind == "+" or (kind == "\\" and added):
                added.append(line)
            else:
                self._flush(removed, added)
                if kind == "@":
                    self.hunks.append(len(self.left))
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
