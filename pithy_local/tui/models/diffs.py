"""A canonical diff as rows: parsed once into numbers, each line decoded only when it is drawn."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from pithy_local.git.diff_header import FILE, hunk_of, path_of

_NOTES = (b"new file", b"deleted file", b"old mode", b"new mode", b"Binary files", b"GIT binary")
LINE_SHOWN = 4096
NONE = -1
"""In a row of two columns: nothing on this side."""


@dataclass(kw_only=True)
class DiffFile:
    """One file: its path, lines added and removed, what git says about it, and where it lies (line numbers)."""

    path: str
    first: int
    last: int = 0
    added: int = 0
    removed: int = 0
    notes: list[str] = field(default_factory=list)
    hunks: array[int] = field(default_factory=lambda: array("I"))

    @property
    def binary(self) -> bool:
        return any(note.startswith(("Binary", "GIT")) for note in self.notes)


class Diff:
    """The lines of a diff by number (from 0) and its files. `kind` of a line: one of `@+- \\` and `h` for headers."""

    def __init__(self, data: bytes) -> None:
        self.files: list[DiffFile] = []
        self._data = data
        self._starts, self._kinds = array("Q"), bytearray()
        self.widest = 0
        """Bytes of the longest line: at least as many as it has columns, tabs and wide characters apart."""
        self.old, self.new = array("I"), array("I")
        """The line's number in the old and the new file; 0: it is not there."""
        self._parse()

    def __len__(self) -> int:
        return len(self._kinds)

    def kind(self, line: int) -> str:
        return chr(self._kinds[line])

    def text(self, line: int) -> str:
        """The line without its first character, cut at `LINE_SHOWN` characters; a hunk's head whole."""
        start = self._starts[line] + (0 if self.kind(line) in "@h" else 1)
        end = self._starts[line + 1] - 1
        return self._data[start : min(end, start + 4 * LINE_SHOWN)].decode("utf-8", "replace")[:LINE_SHOWN]

    def file_of(self, line: int) -> int:
        """The index of the file that this line belongs to."""
        return bisect_right(self.files, line, key=lambda file: file.first) - 1

    def _parse(self) -> None:
        old = new = old_left = new_left = position = 0
        for raw in self._raw_lines():
            self._starts.append(position)
            position += len(raw) + 1
            self.widest = max(self.widest, len(raw))
            numbers, kind = (0, 0), b"h"
            if old_left > 0 or new_left > 0:
                kind = raw[:1] or b" "
                numbers = (old if kind in b" -" else 0, new if kind in b" +" else 0)
                old, new = old + (kind in b" -"), new + (kind in b" +")
                old_left, new_left = old_left - (kind in b" -"), new_left - (kind in b" +")
                self._count(kind)
            elif hunk := hunk_of(raw):
                old, old_left, new, new_left = hunk
                kind = b"@"
                self._begin_hunk()
            elif raw.startswith(b"\\"):
                kind = b"\\"
            else:
                self._header(raw)
            self._kinds += kind
            self.old.append(numbers[0])
            self.new.append(numbers[1])
        self._starts.append(position)
        self._end_file()

    def _raw_lines(self) -> Iterator[bytes]:
        start = 0
        while start < len(self._data):
            end = self._data.find(b"\n", start)
            end = len(self._data) if end < 0 else end
            yield self._data[start:end]
            start = end + 1

    def _header(self, raw: bytes) -> None:
        if raw.startswith(FILE):
            self._end_file()
            self.files.append(DiffFile(path=path_of(raw), first=len(self._kinds)))
        elif self.files and raw.startswith(_NOTES):
            self.files[-1].notes.append(raw[:200].decode("utf-8", "replace"))

    def _begin_hunk(self) -> None:
        if not self.files:  # no header: still a diff that somebody may look at
            self.files.append(DiffFile(path="", first=0))
        self.files[-1].hunks.append(len(self._kinds))

    def _count(self, kind: bytes) -> None:
        self.files[-1].added += kind == b"+"
        self.files[-1].removed += kind == b"-"

    def _end_file(self) -> None:
        if self.files:
            self.files[-1].last = len(self._kinds)


class DiffRows:
    """What is on the screen, row by row: a file's head (`-2 - file`), or line numbers of the old and the new side.

    In one column `left` alone counts; in two, a removed line stands beside the added one that took its place.
    """

    def __init__(self, diff: Diff) -> None:
        self.diff = diff
        self.split = False
        self.viewed: set[int] = set()
        self.left, self.right = array("q"), array("q")
        self.arrange()

    def __len__(self) -> int:
        return len(self.left)

    def arrange(self) -> None:
        """Work the rows out anew: after another file was folded, or the columns changed."""
        self.left, self.right = array("q"), array("q")
        for index, file in enumerate(self.diff.files):
            self.left.append(-2 - index)
            self.right.append(-2 - index)
            if index in self.viewed:
                continue
            shown = (line for line in range(file.first, file.last) if self.diff.kind(line) != "h")
            if self.split:
                self._pair(shown)
            else:
                self.left.extend(shown)
        if not self.split:
            self.right = self.left

    def toggle_viewed(self, index: int) -> None:
        self.viewed ^= {index}
        self.arrange()

    def set_split(self, split: bool) -> None:
        if split != self.split:
            self.split = split
            self.arrange()

    def file_at(self, row: int) -> int:
        """The index of the file that this row belongs to."""
        value = self.left[row] if self.left[row] != NONE else self.right[row]
        return -2 - value if value <= -2 else self.diff.file_of(value)

    def row_of_file(self, index: int) -> int:
        """Where this file's head stands."""
        return self.left.index(-2 - index)

    def next_stop(self, row: int, step: int, *, files: bool) -> int | None:
        """The next row up or down where a file (else: a hunk, or a folded file) begins; None where there is none."""
        at = row + step
        while 0 <= at < len(self):
            value = self.left[at]
            if value <= -2 and (files or -2 - value in self.viewed):
                return at
            if not files and value >= 0 and self.diff.kind(value) == "@":
                return at
            at += step
        return None

    def place(self, row: int) -> str:
        """`path:12`, for people and models to find the place again."""
        file = self.diff.files[self.file_at(row)]
        value = self.right[row] if self.right[row] >= 0 else self.left[row]
        number = (self.diff.new[value] or self.diff.old[value]) if value >= 0 else 0
        return f"{file.path}:{number}" if number else file.path

    def _pair(self, lines: Iterator[int]) -> None:
        removed, added = array("q"), array("q")
        for line in lines:
            kind = self.diff.kind(line)
            if kind == "-":
                if added:
                    self._flush(removed, added)
                removed.append(line)
            elif kind == "+":
                added.append(line)
            else:
                self._flush(removed, added)
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


def common(old: str, new: str) -> tuple[int, int]:
    """How many characters two lines have in common at their start and at their end: what is between has changed."""
    most = min(len(old), len(new))
    start = 0
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end
