"""A hunk's lines in all the readings that they allow, the likeliest first.

Models miscount, drop the blank before context, leave blank lines bare, and go on in prose. The counts of the `@@` line
are believed only where the lines parse exactly with them and what follows is no part of the hunk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from runner.patch.edit import Body, Hunk
from runner.patch.prose import is_bullet_list, is_prose, prose_from

_NUMBERS = re.compile(
    r"@+\s*-?\s*(\d{1,9})(?:[,:] ?(\d{1,9}))?,?(?:\s+|(?=\+))\+?\s*(\d{1,9})(?:[,:] ?(\d{1,9}))?(?!\d)\s*(?:@+)?(.*)"
)
_ONE_SIGN = re.compile(r"@ -\d+[,\d]* \+\d")
_WORDS = re.compile(r"@@+(?:\s*\.\.\.\s*@@|\s*@@|\s*(?:[Ll]ines?)\s+(\d{1,9})\b[^@]*@@)?(.*?)(?:@@)?\s*")
_NO_HEADING = re.compile(r"[-+\d,.…\s]*")
_CHOICES_LIMIT = 5


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a `@@` line says: the old file's line, both counts, the line that comes before."""

    line: int | None = None
    counts: tuple[int, int] | None = None
    heading: str = ""


def is_header(line: str) -> bool:
    """Whether a hunk begins at `line`."""
    return line.startswith("@@") or _ONE_SIGN.match(line) is not None


def start_of(header: str) -> Start:
    """Read a `@@` line, however broken."""
    header = " ".join(header.split())  # runs of blanks say nothing, and the patterns take the square of their length
    if match := _NUMBERS.match(header):
        old, old_count, _, new_count, heading = match.groups()
        counts = int(old_count or 1), int(new_count or 1)
        return Start(line=int(old) + (counts[0] == 0), counts=counts, heading=_heading(heading))
    if match := _WORDS.fullmatch(header):
        return Start(line=int(match[1]) if match[1] else None, heading=_heading(match[2]))
    return Start()


def _heading(words: str) -> str:
    words = words.strip()
    return "" if _NO_HEADING.fullmatch(words) else words


def counted_length(lines: list[str], counts: tuple[int, int], *, lossy: bool = False) -> int | None:
    """How many of `lines` a hunk of `counts` takes if they parse exactly with them, else None.

    `lossy`: a line without a marker is context.
    """
    old, new = counts
    for at, line in enumerate(lines):
        if old <= 0 and new <= 0:
            return at + 1 if line.startswith("\\ ") else at
        tag = line[:1] or " "
        if tag not in " +-\\":
            if not lossy or is_header(line):
                return None
            tag = " "
        old -= tag in " -"
        new -= tag in " +"
        if old < 0 or new < 0:
            return None
    return len(lines) if old == new == 0 else None


def hunk(
    header: str, lines: list[str], *, lossy: bool, draft: int, headings: tuple[str, ...] = (), at_end: bool = False
) -> Hunk | None:
    """The hunk that `header` and its `lines` are, or None when no reading makes sense.

    `lossy`: in this diff context lines have lost the blank before them. `headings` take the header's place.
    """
    start = start_of(header)
    readings = tuple(group for group in map(tuple, _groups(lines, start.counts, lossy)) if group)
    if not readings:
        return None
    named = (start.heading,) if start.heading else ()
    return Hunk(
        header=header, lines=tuple(lines), readings=readings, line=start.line, counts=start.counts,
        headings=headings or named, at_end=at_end, draft=draft,
    )  # fmt: skip


def loses_markers(lines: list[str], counts: tuple[int, int] | None = None) -> bool:
    """Whether a line of this hunk that is no prose has neither of the three markers."""
    length = counted_length(lines, counts, lossy=True) if counts else None
    if length is not None and is_prose(lines[length:]):
        lines = lines[:length]
        return any(line[:1] not in ("", " ", "+", "-", "\\") for line in lines)
    end = prose_from(lines)
    return any(line[:1] not in ("", " ", "+", "-", "\\") for line in (lines if end is None else lines[:end]))


def _groups(lines: list[str], counts: tuple[int, int] | None, lossy: bool) -> Iterator[list[Body]]:
    trusted = _trusted(lines, counts, lossy=lossy) if counts else None
    if trusted is not None:
        exact = [body for body in _bodies(trusted, lossy) if (len(body.old), len(body.new)) == counts]
        yield exact
        yield [body for body in _bodies(trusted, lossy) if body not in exact]
        return
    stripped = _without_blank_end(lines)
    bodies = list(_bodies(stripped, lossy))
    fitting = [body for body in bodies if (len(body.old), len(body.new)) == counts]
    cut = prose_from(stripped)
    shorter = _without_blank_end(stripped[:cut]) if cut is not None else []
    if not fitting and is_bullet_list(stripped[cut:] if shorter else [""]):
        bodies += _bodies(shorter, lossy)  # a list, or added lines? Only where both come to the same is it applied
    yield fitting or bodies
    if fitting:
        yield [body for body in bodies if body not in fitting]
    yield [body for body in _mixed_blanks(stripped) if body not in bodies]
    if shorter:
        unread = tuple(line[1:] for line in stripped[cut:] if line[:1] == "-" and line[1:].strip())
        for group in _groups(shorter, counts, lossy):
            yield [replace(body, unread=unread) for body in group]


def _trusted(lines: list[str], counts: tuple[int, int], *, lossy: bool) -> list[str] | None:
    length = counted_length(lines, counts, lossy=lossy)
    if length is None or not is_prose(lines[length:]):
        return None
    return lines[:length]


def _bodies(lines: list[str], lossy: bool) -> Iterator[Body]:
    """The plain readings: bare blank lines as context or as added, markers lost on bare lines or on all context."""
    seen: list[Body] = []
    lost = lossy and any(line.startswith(" ") for line in lines)
    for blanks in ("context", "added"):
        added = _between_added(lines) if blanks == "added" else frozenset()
        for all_lost in (False, True) if lost else (False,):
            body = _body(lines, added, all_lost=all_lost, lossy=lossy)
            if body is not None and body not in seen:
                seen.append(body)
                yield body


def _mixed_blanks(lines: list[str]) -> Iterator[Body]:
    """Readings in which some bare blank lines between added ones are added and some are context."""
    between = sorted(_between_added(lines))
    if not 2 <= len(between) <= _CHOICES_LIMIT:
        return
    for choice in product((False, True), repeat=len(between)):
        body = _body(lines, {at for at, added in zip(between, choice, strict=True) if added}, lossy=False)
        if body is not None:
            yield body


def _between_added(lines: list[str]) -> frozenset[int]:
    """Indexes of the bare blank lines whose nearest neighbours that are not bare are added lines."""
    found: set[int] = set()
    pending: list[int] = []
    after_added = False
    for at, line in enumerate(lines):
        if line == "":
            pending.append(at)
            continue
        if line.startswith("\\"):
            continue
        if after_added and line[0] == "+":
            found.update(pending)
        pending, after_added = [], line[0] == "+"
    return frozenset(found)


def _body(lines: list[str], added: Iterable[int], *, all_lost: bool = False, lossy: bool) -> Body | None:
    tags: list[str] = []
    texts: list[str] = []
    bare: set[int] = set()
    as_added = frozenset(added)
    for at, line in enumerate(lines):
        if line.startswith("\\ ") or (line[:1] == "\\" and "newline" in line.lower()):
            bare.add(len(tags) - 1)
            continue
        marked = _marked(line, lost=all_lost, lossy=lossy)
        if marked is None:
            return None
        tags.append("+" if at in as_added else marked[0])
        texts.append(marked[1])
    if not tags:
        return None
    kept = "".join(tags)
    last_old, last_new = max(kept.rfind(" "), kept.rfind("-")), max(kept.rfind(" "), kept.rfind("+"))
    return Body(tags=kept, texts=tuple(texts), bare_old=last_old in bare, bare_new=last_new in bare, literal=all_lost)


def _marked(line: str, *, lost: bool, lossy: bool) -> tuple[str, str] | None:
    """Tag and text of one line; None where it has no marker and should."""
    marker = line[:1]
    if marker in ("+", "-"):
        return marker, line[1:]
    if marker in ("", " ") and not lost:
        return " ", line[1:]
    return (" ", line) if lossy else None


def _without_blank_end(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    return lines[:end]
