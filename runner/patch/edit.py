"""What an answer asks for, whatever its format: files to change, each with hunks, each hunk in one or more readings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Names = tuple[str, ...]
"""A file's name in its possible readings (with and without `a/`, a date cut off), the likeliest first."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """One reading of a hunk: a tag and a text for each line.

    Tags: " " context, "-" deleted, "+" added, "~" the model left lines out here (`...`). `bare_old` and `bare_new`:
    that side's last line is said to have no newline. `literal`: beyond typography nothing is forgiven.
    `unread`: what would be deleted lines in the part that this reading takes for prose.
    """

    tags: str
    texts: tuple[str, ...]
    bare_old: bool = False
    bare_new: bool = False
    literal: bool = False
    unread: tuple[str, ...] = ()

    @cached_property
    def old(self) -> tuple[str, ...]:
        """The lines that must be in the file, in order."""
        return tuple(text for tag, text in zip(self.tags, self.texts, strict=True) if tag in " -")

    @cached_property
    def new(self) -> tuple[str, ...]:
        """The lines that will be there afterwards."""
        return tuple(text for tag, text in zip(self.tags, self.texts, strict=True) if tag in " +")

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """The added and the deleted lines."""
        return tuple(text for tag, text in zip(self.tags, self.texts, strict=True) if tag in "+-")

    @property
    def changes(self) -> bool:
        """Whether the hunk adds or deletes anything."""
        return "+" in self.tags or "-" in self.tags

    @property
    def adds_only(self) -> bool:
        """Whether it could be a new file: nothing in it must be there already."""
        return "+" in self.tags and not any(text.strip() for text in self.old) and "-" not in self.tags


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """One hunk. `readings` are groups, the likeliest first; the bodies within a group are equally likely.

    `header` and `lines` are what the answer has; `line` is the old file's line it states (from 1); `headings` are the
    lines that its header names as coming before it; `at_end`: it is said to end the file; `draft` is the number of
    the fenced block it came from; `suspect`: it may have been cut off, unless the file ends with it.
    """

    header: str
    lines: tuple[str, ...]
    readings: tuple[tuple[Body, ...], ...]
    line: int | None = None
    counts: tuple[int, int] | None = None
    headings: tuple[str, ...] = ()
    at_end: bool = False
    draft: int = 0
    suspect: bool = False

    @property
    def first(self) -> Body:
        """The likeliest reading."""
        return self.readings[0][0]

    @property
    def is_counted(self) -> bool:
        """Whether its lines are as many as its header says."""
        return (len(self.first.old), len(self.first.new)) == self.counts


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A file's entire new content."""

    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Aside:
    """A block of code beside the changes: a quotation, or a file that the answer forgot to put into them."""

    name: str | None
    lines: tuple[str, ...]


@dataclass(kw_only=True)
class FileEdit:
    """One file's part of an answer. `old` and `new` are None where that side is /dev/null.

    `kind` is what the format says the hunks are: "diff" (in the file's order) or "blocks" (SEARCH/REPLACE: in any).
    `moved`: a rename is spelled out. `unseen`: the format deletes files without showing them. `afresh`: `whole` takes
    the old content's place, whatever that was.
    """

    old: Names | None
    new: Names | None
    hunks: list[Hunk] = field(default_factory=list)
    whole: Whole | None = None
    kind: Literal["diff", "blocks"] = "diff"
    mode: str | None = None
    created: bool = False
    deleted: bool = False
    moved: bool = False
    unseen: bool = False
    afresh: bool = False

    @property
    def name(self) -> str:
        """The file as people call it."""
        names = self.new or self.old
        return names[0] if names else "?"
