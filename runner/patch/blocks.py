"""SEARCH/REPLACE blocks: old lines, `=======`, new lines, for the file named before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.patch import common
from runner.patch.edit import Body, FileEdit, Hunk
from runner.patch.mention import path_in
from runner.patch.refusal import stop

SEARCH = re.compile(r"<{5,9} ?(?:SEARCH|ORIGINAL|OLD|BEFORE)\b:? ?(\S*?)>?\s*", re.IGNORECASE)
REPLACE = re.compile(r">{5,9} ?(?:REPLACE|UPDATED|NEW|AFTER)\b.*", re.IGNORECASE)
_DIVIDER = re.compile(r"={5,9}\s*")
_DIVIDERS = 50
"""Readings of one block that are looked at."""


def read(lines: list[str], *, named: str | None = None, draft: int = 0) -> list[FileEdit]:
    """The files that the blocks in `lines` change, one edit a file. `named`: the file if none is named among them.

    Raises Stop: truncated (a block without its end), malformed (no file, no divider).
    """
    edits: dict[str, FileEdit] = {}
    at = 0
    while at < len(lines):
        match = SEARCH.fullmatch(lines[at])
        if match is None:
            named = path_in(lines[at]) or named
            at += 1
            continue
        end = next((i for i in range(at, len(lines)) if REPLACE.fullmatch(lines[i])), None)
        if end is None:
            raise stop("truncated", "the answer was cut off: a SEARCH block has no `>>>>>>> REPLACE`", named)
        named = match[1] or named
        if named is None:
            raise stop("malformed", "no file is named before this SEARCH block: put its path on the line before")
        edit = edits.setdefault(named, FileEdit(old=(named,), new=(named,), kind="blocks"))
        edit.hunks.append(_hunk(lines[at : end + 1], named, draft))
        at = end + 1
    return list(edits.values())


def _hunk(lines: list[str], named: str, draft: int) -> Hunk:
    dividers = [at for at, line in enumerate(lines) if _DIVIDER.fullmatch(line)]
    # A text may hold such a line itself (a heading in reStructuredText): one as long as the marks is the likely one,
    # else what is in the file decides.
    marks = len(lines[0]) - len(lines[0].lstrip("<"))
    dividers = [at for at in dividers if len(lines[at].rstrip()) == marks] or dividers
    if not 0 < len(dividers) <= _DIVIDERS:
        many = "too many lines of =======" if dividers else "no ======="
        raise stop("malformed", f"a SEARCH block has {many} between its old and its new lines", named)
    bodies = tuple(body_of(lines[1:at], lines[at + 1 : -1]) for at in dividers)
    return Hunk(header=lines[0], lines=tuple(lines), readings=(bodies,), draft=draft)


def body_of(old: list[str], new: list[str]) -> Body:
    """The change from `old` to `new` as a hunk: lines they share are context."""
    tags: list[str] = []
    texts: list[str] = []
    for tag, lines in _runs(old, new):
        tags.append(tag * len(lines))
        texts += lines
    return Body(tags="".join(tags), texts=tuple(texts))


def _runs(old: list[str], new: list[str]) -> Iterator[tuple[str, list[str]]]:
    a = b = 0
    for x, y, size in [*common.runs(old, new), (len(old), len(new), 0)]:
        yield "-", old[a:x]
        yield "+", new[b:y]
        yield " ", old[x : x + size]
        a, b = x + size, y + size
