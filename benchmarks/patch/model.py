"""A real diff as data: read from git's own text, changed by `mutations`, written in whatever dress."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

Tree = Mapping[str, str]
"""Text files by path."""

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")


@dataclass(frozen=True)
class HunkText:
    """A hunk: its lines with their markers, where it starts on both sides, its heading."""

    start: int
    new_start: int
    lines: tuple[str, ...]
    heading: str = ""
    header: str | None = None

    @property
    def old(self) -> list[str]:
        """The old side's lines."""
        return [line[1:] for line in self.lines if line[:1] in (" ", "-")]

    @property
    def new(self) -> list[str]:
        """The new side's lines."""
        return [line[1:] for line in self.lines if line[:1] in (" ", "+")]

    def text(self) -> str:
        """The hunk with its header, counts right."""
        header = self.header
        if header is None:
            old, new = len(self.old), len(self.new)
            header = f"@@ -{self.start},{old} +{self.new_start},{new} @@ {self.heading}".rstrip()
        return "\n".join([header, *self.lines] if header else self.lines)

    def mapped(self, change: Callable[[str], str]) -> HunkText:
        """The hunk with every line changed."""
        return replace(self, lines=tuple(map(change, self.lines)))


@dataclass(frozen=True)
class FileText:
    """One file's section: the header lines as they are to be written, and the hunks."""

    old: str | None
    new: str | None
    header: tuple[str, ...]
    hunks: tuple[HunkText, ...] = ()

    def text(self) -> str:
        """The section."""
        return "\n".join([*self.header, *(hunk.text() for hunk in self.hunks)])

    @property
    def is_plain(self) -> bool:
        """Whether it changes a file in place."""
        return self.old is not None and self.old == self.new and bool(self.hunks)

    def with_hunks(self, hunks: Iterator[HunkText]) -> FileText:
        """The section with other hunks."""
        return replace(self, hunks=tuple(hunks))


Diff = tuple[FileText, ...]


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A real change: the files it concerns before and after, others that stay, git's diff of it."""

    id: str
    before: Tree
    after: Tree
    truth: str
    modes: Mapping[str, str] = field(default_factory=dict)

    @property
    def diff(self) -> Diff:
        """`truth` as data."""
        return tuple(parse(self.truth))


def text_of(diff: Diff) -> str:
    """The whole diff as text."""
    return "".join(part.text() + "\n" for part in diff)


def each_hunk(diff: Diff, change: Callable[[HunkText], HunkText]) -> Diff:
    """The diff with every hunk changed."""
    return tuple(part.with_hunks(change(hunk) for hunk in part.hunks) for part in diff)


def parse(text: str) -> Iterator[FileText]:
    """The sections of a diff that git made."""
    for section in re.split(r"^(?=diff --git )", text, flags=re.MULTILINE):
        if not section:
            continue
        lines = section.removesuffix("\n").split("\n")
        first = next((at for at, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
        yield FileText(*_names(lines[:first]), tuple(lines[:first]), tuple(_hunks(lines[first:])))


def _names(header: list[str]) -> tuple[str | None, str | None]:
    given = {
        key: line[len(key) :]
        for line in header
        for key in ("rename from ", "rename to ", "--- ", "+++ ")
        if line.startswith(key)
    }
    both = header[0].removeprefix("diff --git ")
    same = both[2 : len(both) // 2]
    old, new = given.get("rename from ", same), given.get("rename to ", same)
    created = any(line.startswith("new file mode") for line in header)
    deleted = any(line.startswith("deleted file mode") for line in header)
    return None if created else old, None if deleted else new


def _hunks(lines: list[str]) -> Iterator[HunkText]:
    at = 0
    while at < len(lines):
        match = _HUNK.fullmatch(lines[at])
        assert match is not None, lines[at]
        old, new = int(match[2] or 1), int(match[4] or 1)
        end = at + 1
        while end < len(lines) and (old or new or lines[end].startswith("\\")):
            old -= lines[end][:1] in " -"
            new -= lines[end][:1] in " +"
            end += 1
        yield HunkText(int(match[1]), int(match[3]), tuple(lines[at + 1 : end]), match[5])
        at = end
