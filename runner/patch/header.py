"""The lines before a file's hunks: names, quotes, timestamps, modes, renames."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from runner.patch.edit import FileEdit, Names
from runner.patch.refusal import stop

GIT_HEADER = "diff --git "
_EXTENDED = (
    "old mode ", "new mode ", "deleted file mode ", "new file mode ", "rename from ", "rename to ", "copy from ",
    "copy to ", "similarity index ", "dissimilarity index ", "index ",
)  # fmt: skip
_BINARY = re.compile(r"GIT binary patch|Binary files .* differ|Files .* and .* differ")
_FOREIGN = frozenset("GBFd@")
_COMBINED = re.compile(r"diff --(?:cc|combined) |@@@+ -\d+(?:,\d+)? -")
_PREFIX = re.compile(r"(?:[abciow])/(?=.)")
_DATE = re.compile(r"(?<!\s)\s+\(?(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d\b.*|(?<!\s)\s+[A-Z][a-z]{2} [A-Z][a-z]{2} +\d.*")
_NOWHERE = frozenset({"/dev/null", "dev/null", "a/dev/null", "b/dev/null"})
_MODES = frozenset({"100644", "100755"})
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abtnvfr"\\])')
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


@dataclass(kw_only=True)
class Header:
    """The header lines of one file as they stand in the answer; `old` and `new` are the `---` and `+++` lines."""

    git: str | None = None
    extended: list[str] = field(default_factory=list)
    old: str | None = None
    new: str | None = None

    def value(self, key: str) -> str | None:
        """What follows `key` on an extended line, or None."""
        return next((line[len(key) :].strip() for line in self.extended if line.startswith(key)), None)

    def says_something(self) -> bool:
        """Whether there is a change without any hunk: a rename, a mode, an empty file made or deleted."""
        return any(not line.startswith(("index ", "similarity ", "dissimilarity ")) for line in self.extended)


def is_extended(line: str) -> bool:
    """Whether it is one of git's header lines between `diff --git` and `---`."""
    return line.startswith(_EXTENDED)


def refuse_foreign(line: str) -> None:
    """Raise Stop for a line that no text change has: binary data, a merge's combined diff."""
    if line[:1] not in _FOREIGN:
        return
    if _BINARY.match(line):
        raise stop("binary", f"a binary file cannot be changed by a text diff: {line[:120]!r}")
    if _COMBINED.match(line):
        raise stop("malformed", "a combined diff of a merge cannot be applied; send a plain unified diff")


def file_edit(header: Header) -> FileEdit:
    """The file that `header` speaks of, without hunks yet. Raises Stop: copies, links, odd modes, no name."""
    mode = _mode(header)
    if header.value("copy from ") is not None or header.value("copy to ") is not None:
        raise stop("copy", "copies are not supported: send the new file's whole content as added lines")
    old, new = _sides(header)
    if old is None and new is None:
        raise stop("malformed", f"this header names no file: {header.git or header.old or header.new}")
    return FileEdit(
        old=old,
        new=new,
        mode=mode,
        created=old is None or header.value("new file mode ") is not None,
        deleted=new is None or header.value("deleted file mode ") is not None,
        moved=header.value("rename from ") is not None and header.value("rename to ") is not None,
    )


def names_of(line: str) -> Names | None:
    """The readings of the name on a `---` or `+++` line; None: /dev/null."""
    raw = line[4:].split("\t", 1)[0].strip(" \r")
    if raw in _NOWHERE:
        return None
    name = unquoted(raw).strip("`")
    readings = [name]
    if date := _DATE.search(name):
        readings.insert(0, name[: date.start()])
    if " " in name:
        readings.append(name.split(" ", 1)[0])
    return tuple(readings)


def bare(name: str) -> str:
    """A name without git's `a/` or `b/` and without `./`."""
    name = _without_dots(name)
    return name[2:] if _PREFIX.match(name) else name


def _without_dots(name: str) -> str:
    if name.startswith("/"):
        return name
    return "/".join(part for part in name.split("/") if part != ".")


def unquoted(name: str) -> str:
    """A name as git writes it, C-style quotes undone."""
    if not (len(name) > 1 and name[0] == name[-1] == '"'):
        return name
    return _ESCAPE.sub(_unescaped, name[1:-1].encode("utf-8", "replace")).decode("utf-8", "replace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code)


def _sides(header: Header) -> tuple[Names | None, Names | None]:
    """Both names in all their readings. The `---` and `+++` lines count, then rename lines, then `diff --git`."""
    moved_from, moved_to = header.value("rename from "), header.value("rename to ")
    if header.old is not None or header.new is not None:
        old = names_of(header.old) if header.old is not None else names_of(str(header.new))
        new = names_of(header.new) if header.new is not None else names_of(str(header.old))
        if moved_from and moved_to:
            return _readings((unquoted(moved_from),), own=True), _readings((unquoted(moved_to),), own=True)
        return _readings(old), _readings(new)
    if moved_from and moved_to:
        return _readings((unquoted(moved_from),), own=True), _readings((unquoted(moved_to),), own=True)
    both = _git_names(header.git or "")
    return _readings(both[:1]), _readings(both[1:])


def _readings(names: Names | None, *, own: bool = False) -> Names | None:
    """Each name without its prefix first, then as it stands. `own`: git never puts a prefix there."""
    if names is None:
        return None
    stripped, plain = [bare(name) for name in names], [_without_dots(name) for name in names]
    return tuple(dict.fromkeys([*plain, *stripped] if own else [*stripped, *plain]))


def _git_names(line: str) -> Names:
    """The two names of a `diff --git` line. Raises Stop where it cannot be told where the first one ends."""
    rest = line.removeprefix(GIT_HEADER).strip()
    if match := re.fullmatch(r'("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)', rest):
        return unquoted(match[1]), unquoted(match[2])
    middle = len(rest) // 2
    if rest[middle : middle + 1] == " " and bare(rest[:middle]) == bare(rest[middle + 1 :]):
        return rest[:middle], rest[middle + 1 :]
    raise stop("malformed", f"this header names no files: {line}")


def _mode(header: Header) -> str | None:
    """The mode that the file shall have, or None. Raises Stop for links, submodules and modes git does not keep."""
    for line in header.extended:
        match = re.match(r"(?:new file|deleted file|old|new) mode (\S+)|index \S+ (1[26]0000)", line)
        if match and (match[2] or match[1] not in _MODES):
            raise stop("mode", f"only plain files may be changed: {line}")
    return header.value("new file mode ") or header.value("new mode ")
