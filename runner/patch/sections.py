"""Cut diff text into one section a file and give each the header git needs.

Models leave out `diff --git` and `new file mode` lines, miscount hunks and end them in prose. `git apply --recount`
forgives counts, but it also drops silently what it cannot read, which would apply half an answer: so every line is
accounted for here first, and a line that is no part of a diff is a refusal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from runner.errors import PatchRefused
from runner.patch.extract import is_header_pair

_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*")
_GIT_HEADER = re.compile(r'diff --git (?:"?a/(?P<old>[^"]*?)"? "?b/(?P<new>[^"]*)"?)')
_NAMED = ("rename from ", "rename to ", "copy from ", "copy to ")
_CHANGING = ("old mode ", "new mode ", "deleted file mode ", "new file mode ", *_NAMED)
_EXTENDED = (*_CHANGING, "similarity index ", "dissimilarity index ", "index ")
_NOWHERE = "/dev/null"
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abtnvfr"\\])')
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


@dataclass(kw_only=True)
class Section:
    """One file of a diff. `old` and `new` are plain paths of the repository; None: that side is /dev/null."""

    git_header: str | None = None
    extended: list[str] = field(default_factory=list)
    old: str | None = None
    new: str | None = None
    hunks: list[str] = field(default_factory=list)

    def paths(self) -> tuple[str, ...]:
        """Every file the section names, each once."""
        names = [name for name in (self.old, self.new) if name is not None]
        names += [_unquoted(line.split(" ", 2)[2]) for line in self.extended if line.startswith(_NAMED)]
        if self.git_header is not None and not names:
            if (match := _GIT_HEADER.fullmatch(self.git_header)) is None:
                raise _malformed(f"this header names no files: {self.git_header}")
            names += [match["old"], match["new"]]
        return tuple(dict.fromkeys(names))

    def text(self) -> str:
        """The section as `git apply` wants it."""
        return "\n".join([*self._header(), *self.hunks]) + "\n"

    def _header(self) -> list[str]:
        if not self.hunks:
            return [str(self.git_header), *self.extended]
        extended = list(self.extended)
        if self.old is None:
            _ensure(extended, "new file mode ")
        if self.new is None:
            _ensure(extended, "deleted file mode ")
        return [
            f"diff --git a/{self.old or self.new} b/{self.new or self.old}",
            *extended,
            f"--- a/{self.old}" if self.old else f"--- {_NOWHERE}",
            f"+++ b/{self.new}" if self.new else f"+++ {_NOWHERE}",
        ]


def split(diff: str) -> list[Section]:
    """The file sections of `diff`. Raises PatchRefused(patch_malformed) that quotes the first line out of place."""
    lines = diff.removesuffix("\n").split("\n")
    sections: list[Section] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        section, at = _section(lines, at)
        sections.append(section)
    return sections


def _section(lines: list[str], at: int) -> tuple[Section, int]:
    """The section that starts at line `at`, and the index of the line after it."""
    section = Section()
    if lines[at].startswith("diff --git "):
        section.git_header, at = lines[at], at + 1
    while at < len(lines) and lines[at].startswith(_EXTENDED):
        section.extended.append(lines[at])
        at += 1
    if at < len(lines) and is_header_pair(lines, at):
        section.old, section.new = _names(lines[at], lines[at + 1])
        at = _hunks(section, lines, at + 2)
    elif section.git_header is None:
        raise _out_of_place(lines[min(at, len(lines) - 1)])
    elif at < len(lines) and lines[at].startswith(("GIT binary patch", "Binary files ")):
        raise PatchRefused("patch_rejected", "the answer changes a binary file", paths=section.paths())
    _check(section)
    return section, at


def _hunks(section: Section, lines: list[str], at: int) -> int:
    while at < len(lines) and not lines[at].startswith("diff --git ") and not _starts_file(lines, at):
        line = lines[at]
        in_hunk = bool(section.hunks)
        if line.startswith("@@") or not in_hunk:
            if _HUNK.fullmatch(line.rstrip("\r")) is None:
                raise _malformed(f"expected a hunk header such as '@@ -12,7 +12,8 @@', found: {line[:200]!r}")
        elif line[:1] not in ("", " ", "+", "-", "\\", "\r"):
            raise _out_of_place(line)
        section.hunks.append(line)
        at += 1
    while section.hunks and not section.hunks[-1].strip("\r"):
        section.hunks.pop()  # blank lines between two files are layout
    return at


def _starts_file(lines: list[str], at: int) -> bool:
    """A header pair *and* a hunk: a deleted `-- x` before an added `++ y` looks like a pair alone."""
    return is_header_pair(lines, at) and at + 2 < len(lines) and lines[at + 2].startswith("@@")


def _check(section: Section) -> None:
    if not section.hunks:
        if section.old or section.new:
            raise _malformed(f"no hunk follows the header of {section.new or section.old}")
        if not any(line.startswith(_CHANGING) for line in section.extended):
            raise _malformed(f"no change follows this header: {section.git_header}")
        return
    renamed = any(line.startswith(_NAMED) for line in section.extended)
    if len(section.paths()) > 1 and not renamed:
        raise _malformed(f"the header names two files, {section.old} and {section.new}, without rename lines")
    if not section.paths():
        raise _malformed("the header names no file: both sides are /dev/null")


def _names(old_line: str, new_line: str) -> tuple[str | None, str | None]:
    """The paths on a pair of `---` and `+++` lines, whether they carry `a/` and `b/`, one of them, or neither.

    git would strip the first part of a name unseen, whatever it is.
    """
    old, new = (_unquoted(line[4:].split("\t", 1)[0].rstrip()) for line in (old_line, new_line))
    bare_old, bare_new = old.removeprefix("a/"), new.removeprefix("b/")
    if old == _NOWHERE or new == _NOWHERE:
        return (None if old == _NOWHERE else bare_old), (None if new == _NOWHERE else bare_new)
    if bare_old == bare_new or (bare_old != old and bare_new != new):
        return bare_old, bare_new
    return old, new


def _ensure(extended: list[str], line: str) -> None:
    if not any(given.startswith(line) for given in extended):
        extended.append(line + "100644")


def _unquoted(name: str) -> str:
    """A name as git writes it, C-style quotes undone."""
    if not (len(name) > 1 and name[0] == name[-1] == '"'):
        return name
    return _ESCAPE.sub(_unescaped, name[1:-1].encode("utf-8", "replace")).decode("utf-8", "replace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code)


def _malformed(reason: str) -> PatchRefused:
    return PatchRefused("patch_malformed", reason)


def _out_of_place(line: str) -> PatchRefused:
    return _malformed(f"this line is no part of a diff: {line[:200]!r}")
