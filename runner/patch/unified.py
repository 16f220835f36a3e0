"""A unified diff in whatever dress: cut into files and hunks. Lines that are neither are skipped as prose."""

from __future__ import annotations

import re

from runner.patch import header as headers
from runner.patch import hunks
from runner.patch.edit import FileEdit
from runner.patch.header import GIT_HEADER, Header
from runner.patch.prose import is_prose
from runner.patch.refusal import stop

_FIRST = frozenset("d-+I")
_OTHER_HEADER = re.compile(r"diff -[-\w]+ .*|Index: \S.*")
_PREFIXED = re.compile(r"[abciow]/\S")
_UNDERLINE = re.compile(r"={20,}")
_CONTEXT_DIFF = re.compile(r"\*{15}")
_MARKERS = 3
"""Lines that a counted hunk may have beyond its counts: `\\ No newline at end of file`."""


def starts_diff(lines: list[str], at: int) -> bool:
    """Whether a diff begins at line `at` of a text that is not one."""
    line = lines[at]
    if line.startswith(GIT_HEADER) or _is_pair(lines, at):
        return True
    return line.startswith("+++ ") and _is_hunk(lines, at + 1)


def read(lines: list[str], *, draft: int = 0, last: FileEdit | None = None) -> list[FileEdit]:
    """The files of a diff. Hunks before any header belong to `last`, the file of an earlier piece of the same answer.

    Raises Stop: malformed where a header has no change or a change no header; binary, copies, links.
    """
    return _Reader(lines, draft, last).read()


class _Reader:
    """Walks over the lines once."""

    def __init__(self, lines: list[str], draft: int, last: FileEdit | None) -> None:
        self._lines = lines
        self._draft = draft
        self._at = 0
        self._files: list[tuple[Header, FileEdit]] = []
        self._current = last
        starts = [at + 1 for at, line in enumerate(lines) if hunks.is_header(line)]
        self._lossy = any(self._loses_markers(at) for at in starts)

    def read(self) -> list[FileEdit]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            headers.refuse_foreign(line)
            if self._starts_file(self._at):
                self._file()
            elif hunks.is_header(line):
                self._hunk(line, self._at + 1)
            elif _CONTEXT_DIFF.match(line):
                raise stop("malformed", "context diffs are not supported; send a unified diff")
            else:
                self._at += 1
        for header, edit in self._files:
            if not edit.hunks and (header.old or header.new or not header.says_something()):
                raise stop("malformed", f"no change follows the header of {edit.name}", edit.name)
        return [edit for _, edit in self._files]

    def _file(self) -> None:
        """One file's header and, where no `@@` line follows, its one hunk."""
        header = self._header()
        self._current = headers.file_edit(header)
        self._files.append((header, self._current))
        end = self._end(self._at, None)
        lines = self._lines[self._at : end]
        if not is_prose(lines) and (header.old or header.new):
            self._hunk("", self._at)
        else:
            self._at = end

    def _header(self) -> Header:
        header = Header()
        while self._at < len(self._lines):
            line = self._lines[self._at]
            headers.refuse_foreign(line)
            if not _takes(header, line):
                break
            self._at += 1
        return header

    def _hunk(self, first: str, start: int) -> None:
        """The hunk with the `@@` line `first` (empty: it has none) whose lines begin at `start`."""
        quoted = (first or self._lines[start])[:120]
        if self._current is None:
            raise stop(
                "malformed", f"this hunk belongs to no file, `--- a/PATH` and `+++ b/PATH` must precede: {quoted}"
            )
        self._at = self._end(start, hunks.start_of(first).counts)
        lines = self._lines[start : self._at]
        for line in lines:
            headers.refuse_foreign(line)
        found = hunks.hunk(first, lines, lossy=self._lossy, draft=self._draft)
        if found is None:
            raise stop("malformed", f"this hunk has no lines that could be read: {quoted}", self._current.name)
        self._current.hunks.append(found)

    def _loses_markers(self, start: int) -> bool:
        counts = hunks.start_of(self._lines[start - 1]).counts
        return hunks.loses_markers(self._lines[start : self._end(start, None)], counts)

    def _end(self, start: int, counts: tuple[int, int] | None) -> int:
        """Index of the header after the hunk whose lines begin at `start`; counted lines are never one."""
        at = start
        if counts is not None:
            length = hunks.counted_length(self._lines[start : start + sum(counts) + _MARKERS], counts)
            if length and not any(self._names_twice(at) for at in range(start, start + length)):
                at = start + length
        while at < len(self._lines) and not hunks.is_header(self._lines[at]) and not self._starts_file(at):
            at += 1
        return at

    def _starts_file(self, at: int) -> bool:
        line = self._lines[at]
        if line[:1] not in _FIRST:
            return False
        if line.startswith(GIT_HEADER):
            return True
        if _is_pair(self._lines, at):
            after_hunk_line = at > 0 and self._lines[at - 1][:1] in (" ", "+", "-")
            return not after_hunk_line or _is_hunk(self._lines, at + 2) or self._names_twice(at)
        if line[0] in "dI" and _OTHER_HEADER.fullmatch(line):
            return any(_is_pair(self._lines, later) for later in range(at + 1, min(at + 4, len(self._lines))))
        return line.startswith("+++ ") and _is_hunk(self._lines, at + 1) and _is_path(_name(line))

    def _names_twice(self, at: int) -> bool:
        """Whether a header pair names the same file twice, as a deleted and an added line hardly would."""
        if not _is_pair(self._lines, at):
            return False
        old, new = _name(self._lines[at]), _name(self._lines[at + 1])
        if not (_is_path(old) and _is_path(new)):
            return False
        return headers.bare(old) == headers.bare(new) or "/dev/null" in (old, new) or _is_hunk(self._lines, at + 2)


def _takes(header: Header, line: str) -> bool:
    """Put `line` into `header` if it belongs there."""
    empty = header == Header()
    line = line.rstrip("\r")
    if line.startswith(GIT_HEADER) and empty:
        header.git = line
    elif line.startswith("--- ") and header.old is None and header.new is None:
        header.old = line
    elif line.startswith("+++ ") and header.new is None:
        header.new = line
    elif headers.is_extended(line) and header.old is None and header.new is None:
        header.extended.append(line)
    else:
        other = empty and _OTHER_HEADER.fullmatch(line) is not None
        return other or _UNDERLINE.fullmatch(line) is not None
    return True


def _name(line: str) -> str:
    return line[4:].split("\t", 1)[0].strip()


def _is_path(name: str) -> bool:
    return _PREFIXED.match(name) is not None or (len(name.split()) == 1 and ("/" in name or "." in name))


def _is_pair(lines: list[str], at: int) -> bool:
    return lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")


def _is_hunk(lines: list[str], at: int) -> bool:
    return at < len(lines) and hunks.is_header(lines[at])
