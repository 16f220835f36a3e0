"""A canonical diff by line numbers: parsed once, each line decoded only when it is drawn."""

from __future__ import annotations

import io
import re
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from pithy_local.git.diff_header import FILE, hunk_of, path_of
from pithy_local.service import Needle
from pithy_local.text import clip
from pithy_local.tui.look import LINE_SHOWN

_SPACE, _PLUS, _MINUS, _NEWLINE, _AT, _BACKSLASH, _HEADER = b" +-\n@\\h"
_FAR = 1_000
"""Lines of one sign in a row beyond which nobody asks which of them took the place of which."""
_BLOCK = 10_000
"""Lines at a time that a search backwards, and one for all matches, looks at."""
LEAST_DIGITS = 5
_MODES = {"100755": "executable", "120000": "symlink", "160000": "submodule"}


@dataclass(kw_only=True)
class DiffFile:
    """One file: its path, what became of it, lines added and removed, and where it lies (line numbers)."""

    path: str
    first: int
    last: int = 0
    """The line after its last one."""
    change: str = "M"
    """As git says it: `A` added, `D` deleted, `M` modified; `R` moved, see `moved`."""
    added: int = 0
    removed: int = 0
    hunks: array[int] = field(default_factory=lambda: array("I"))
    binary: bool = False
    old_mode: str = ""
    mode: str = ""
    """Six octal digits each; "" where the diff does not tell."""
    blobs: tuple[str, str] = ("", "")
    """What git calls the content before and after, perhaps shortened."""
    moved: str = ""
    """`moved from a.py, 97% the same`, `moved to b.py`; untrusted in part. "" for any other file."""

    @property
    def counts(self) -> str:
        """`+31 −4`; "" where no line changed."""
        return f"+{self.added} −{self.removed}" if self.hunks else ""

    @property
    def size(self) -> str:
        """The same, or the one word for why there is nothing to count."""
        return self.counts or ("binary" if self.binary else "empty" if self.change in "AD" else "mode")

    @property
    def about(self) -> str:
        """What its lines do not tell: `new, executable`, `binary`, `executable now`; untrusted in part."""
        words = [self.moved or {"A": "new", "D": "deleted"}.get(self.change, "")]
        if self.old_mode and self.mode and self.old_mode != self.mode:
            words.append(_mode_change(self.old_mode, self.mode))
        else:
            words.append(_MODES.get(self.mode, ""))
        words.append("binary" if self.binary else "empty" if self.change in "AD" and not self.hunks else "")
        return ", ".join(word for word in words if word)


class Diff:
    """The lines of a diff by number (from 0) and its files. `kind` of a line: one of `@+- \\` and `h` for headers."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.files: list[DiffFile] = []
        self._starts, self._kinds = array("Q"), bytearray()
        self.widest = 0
        """At least as many columns as the longest line takes."""
        self.old, self.new = array("I"), array("I")
        """The line's number in the old and the new file; 0: it is not there."""
        self.digits = LEAST_DIGITS
        """Columns that the longest of these numbers takes."""
        self._parse()

    def __len__(self) -> int:
        return len(self._kinds)

    def kind(self, line: int) -> str:
        return chr(self._kinds[line])

    def kinds(self, first: int, last: int) -> bytes:
        """The kinds of the lines from `first` to before `last`."""
        return bytes(self._kinds[first:last])

    def text(self, line: int) -> str:
        """The line without its sign, a hunk's head whole; cut at `LINE_SHOWN` characters, which `…` tells."""
        start, end = self._text_at(line)
        return clip(self.data[start : min(end, start + 4 * LINE_SHOWN)].decode("utf-8", "replace"), LINE_SHOWN)

    def whole(self, line: int) -> str:
        """The same, however long it is."""
        return self.data[slice(*self._text_at(line))].decode("utf-8", "replace")

    def part(self, first: int, last: int) -> bytes:
        """The lines from `first` to before `last` as they are."""
        return self.data[self._starts[first] : self._starts[last]]

    def file_of(self, line: int) -> int:
        """The index of the file that this line belongs to."""
        return bisect_right(self.files, line, key=lambda file: file.first) - 1

    def hunk_of(self, line: int) -> int:
        """Which of its file's hunks this line belongs to, from 1; 0 in a file's header."""
        return bisect_right(self.files[self.file_of(line)].hunks, line)

    def partner(self, line: int) -> int | None:
        """The removed line whose place this added one took, or the other way round."""
        run = self._run(line)
        if run is None or self._kinds[line] not in (_PLUS, _MINUS):
            return None
        added = self._kinds[line] == _PLUS
        beside = run.start - 1 if added else run.stop
        if 0 <= beside < len(self) and self._kinds[beside] == _BACKSLASH:  # the old last line had no newline
            beside += -1 if added else 1
        if not 0 <= beside < len(self) or self._kinds[beside] != (_MINUS if added else _PLUS):
            return None
        others = self._run(beside)
        at = line - run.start
        return others[at] if others is not None and at < len(others) else None

    def find(self, needle: Needle, low: int, high: int, *, backwards: bool = False) -> int | None:
        """The first line from `low` to before `high` that has it, the last `backwards`; a file's path counts as its
        first line."""
        pattern = pattern_of(needle)
        if not backwards:
            return next(self._lines_with(pattern, low, high), None)
        while high > low:
            start = max(low, high - _BLOCK)
            found = deque(self._lines_with(pattern, start, high), maxlen=1)
            if found:
                return found[0]
            high = start
        return None

    def matches(self, needle: Needle) -> Iterator[array[int]]:
        """All lines that have it, in order, block by block: many blocks have none."""
        pattern = pattern_of(needle)
        for low in range(0, len(self), _BLOCK):
            yield array("I", self._lines_with(pattern, low, min(low + _BLOCK, len(self))))

    def _lines_with(self, pattern: re.Pattern[bytes], low: int, high: int) -> Iterator[int]:
        for index in range(max(0, self.file_of(low)), len(self.files)):
            file = self.files[index]
            if file.first >= high:
                return
            if file.first >= low and pattern.search(file.path.encode("utf-8", "replace")):
                yield file.first
            at = max(low, file.hunks[0]) if file.hunks else file.last
            end = min(high, file.last)
            while at < end:
                found = pattern.search(self.data, self._starts[at], self._starts[end])
                if found is None:
                    break
                line = bisect_right(self._starts, found.start()) - 1
                if pattern.search(self.data, *self._text_at(line)):
                    yield line
                at = line + 1

    def _text_at(self, line: int) -> tuple[int, int]:
        """Where the text of a line begins and ends, its sign and its newline apart."""
        sign = self._kinds[line] not in (_AT, _HEADER)
        return self._starts[line] + sign, self._starts[line + 1] - 1

    def _run(self, line: int) -> range | None:
        """The lines of one kind around this one; None where they are too many."""
        kind = bytes([self._kinds[line]])
        before, after = self._kinds[max(0, line - _FAR) : line], self._kinds[line : line + _FAR]
        start = line - len(before) + len(before.rstrip(kind))
        stop = line + len(after) - len(after.lstrip(kind))
        return range(start, stop) if stop - start < _FAR else None

    def _parse(self) -> None:
        starts, kinds, olds, news = self._starts, self._kinds, self.old, self.new
        old = new = old_left = new_left = position = 0
        for raw in io.BytesIO(self.data):
            starts.append(position)
            position += len(raw)
            if len(raw) > self.widest or b"\t" in raw:
                self.widest = max(self.widest, len(raw) + 7 * raw.count(b"\t"))
            if old_left > 0 or new_left > 0:
                kind = raw[0] if raw[0] != _NEWLINE else _SPACE
                on_old, on_new = kind in (_SPACE, _MINUS), kind in (_SPACE, _PLUS)
                kinds.append(kind)
                olds.append(old if on_old else 0)
                news.append(new if on_new else 0)
                old, old_left = old + on_old, old_left - on_old
                new, new_left = new + on_new, new_left - on_new
                continue
            hunk = hunk_of(raw)
            if hunk:
                old, old_left, new, new_left = hunk
                self._begin_hunk()
            kinds.append(_AT if hunk else self._header(raw))
            olds.append(0)
            news.append(0)
        starts.append(len(self.data) + (not self.data.endswith(b"\n")))
        self.digits = max(self.digits, len(str(max(max(olds, default=0), max(news, default=0)))))
        self._end_file()

    def _header(self, raw: bytes) -> int:
        """Keep what a line outside all hunks says; its kind."""
        if raw.startswith(b"\\"):
            return _BACKSLASH
        raw = raw.rstrip(b"\n")
        if raw.startswith(FILE):
            self._end_file()
            self.files.append(DiffFile(path=path_of(raw), first=len(self._kinds)))
        elif self.files and not self.files[-1].hunks:
            _note(self.files[-1], raw[:200].decode("utf-8", "replace"))
        return _HEADER

    def _begin_hunk(self) -> None:
        if not self.files:  # no header: still a diff that somebody may look at
            self.files.append(DiffFile(path="", first=0))
        self.files[-1].hunks.append(len(self._kinds))

    def _end_file(self) -> None:
        if self.files:
            file = self.files[-1]
            file.last = len(self._kinds)
            file.added = self._kinds.count(b"+", file.first, file.last)
            file.removed = self._kinds.count(b"-", file.first, file.last)


def pattern_of(needle: Needle) -> re.Pattern[bytes]:
    """What finds it in UTF-8."""
    ways = [(char,) if needle.exact else dict.fromkeys((char, char.lower(), char.upper())) for char in needle.text]
    return re.compile(b"".join(b"(?:%b)" % b"|".join(re.escape(way.encode()) for way in each) for each in ways))


def _note(file: DiffFile, line: str) -> None:
    """What a line of a file's header says about it."""
    what, _, mode = line.rpartition(" ")
    if what in ("new file mode", "deleted file mode"):
        file.change, file.mode = what[0].upper().replace("N", "A"), mode
    elif what == "old mode":
        file.old_mode = mode
    elif what == "new mode":
        file.mode = mode
    elif line.startswith(("Binary files", "GIT binary")):
        file.binary = True
    elif line.startswith("index "):
        words = line.split(" ")
        before, _, after = words[1].partition("..")
        file.blobs = (before, after)
        file.mode = words[2] if len(words) > 2 else file.mode


def _mode_change(old: str, new: str) -> str:
    regular, executable = "100644", "100755"
    words = {(regular, executable): "executable now", (executable, regular): "no longer executable"}
    return words.get((old, new), f"mode {old} → {new}")
