"""From an answer's text to the file edits it asks for, whatever format and dress they come in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from runner.patch import blocks, dress, unified, v4a, whole
from runner.patch.edit import Aside, FileEdit
from runner.patch.fences import Piece, is_markdown, pieces
from runner.patch.mention import path_in, paths_in
from runner.patch.refusal import stop

_LIMIT = 1_000_000
_LINES_LIMIT = 100_000
_FILES_LIMIT = 500
_HUNKS_LIMIT = 2_000
_ASIDES_LIMIT = 50
_SHORTEST_FENCE = 3
_ASIDE = frozenset({"bash", "sh", "shell", "console", "terminal", "text", "txt", "output", "powershell", "cmd", "log"})

_OF_DIFF = re.compile(r"\s*(?:diff --git |--- a/|\+\+\+ b/|@@ -\d|\*\*\* (?:Begin Patch|Update File:))")

Ending = Literal["closed", "newline", "unclosed", "sudden"]
"""How the last change ends: by a mark of its own; with a whole line (a bare diff); in an open fence; within a line."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an answer asks for, and how it ends."""

    edits: list[FileEdit]
    ending: Ending
    asides: tuple[Aside, ...] = ()


def read(text: str) -> Answer:
    """The edits of `text`. Raises Stop: empty_answer, no_diff, too_large, not_unicode, binary, truncated …"""
    if len(text) > _LIMIT:
        raise stop("too_large", f"the answer has {len(text):,} characters; at most {_LIMIT:,} are read")
    if text.count("\n") > _LINES_LIMIT:
        raise stop("too_large", f"the answer has more than {_LINES_LIMIT:,} lines")
    if not text.strip():
        raise stop("empty_answer", "the answer is empty")
    _refuse_odd(text)
    heads = text.count("@@") // 2 + text.count("\n--- ") + text.count("diff --git ") + text.count("<<<<<<<")
    if heads > 2 * _HUNKS_LIMIT:
        raise stop("too_large", f"the answer has more than {_HUNKS_LIMIT:,} hunks")
    text = dress.without_thoughts(text)
    packed = dress.unpacked(text)
    _refuse_odd(packed or "")
    found = _pieces(text if packed is None else packed)
    edits, asides = _edits(found)
    if len(edits) > _FILES_LIMIT:
        raise stop("too_large", f"the answer names {len(edits):,} files; at most {_FILES_LIMIT:,} are changed at once")
    if sum(len(edit.hunks) for edit in edits) > _HUNKS_LIMIT:
        raise stop("too_large", f"the answer has more than {_HUNKS_LIMIT:,} hunks")
    ending = "closed" if packed is not None else _ending(found, text)
    return Answer(edits=edits, ending=ending, asides=tuple(asides))


def _refuse_odd(text: str) -> None:
    """Raise Stop for text that makes no text file: not_unicode (JSON can spell what Unicode has not), binary."""
    if "\0" in text:
        raise stop("binary", "the answer holds a NUL character: only text files can be changed")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise stop("not_unicode", "the answer is not valid Unicode text") from error


def _pieces(text: str) -> list[Piece]:
    """The pieces of the answer in the reading that leaves no part of a diff outside. Raises Stop(malformed)."""
    lines = dress.plain_lines(text)
    found = list(pieces(lines))
    if _accounted(lines, found):
        return found
    dedented = dress.dedented(lines)
    if dedented is not None and _accounted(dedented, inner := list(pieces(dedented))):
        return inner
    if any(piece.is_change for piece in found):
        raise stop("malformed", "a part of the diff stands outside its fenced block; send the whole diff in one")
    return found


def _accounted(lines: list[str], found: list[Piece]) -> bool:
    """Whether there is a change, and every line that only a diff has is in one."""
    changes = [piece for piece in found if piece.is_change]
    inside = sum(_diff_lines(piece.lines) for piece in changes)
    return bool(changes) and inside >= _diff_lines(lines)


def _diff_lines(lines: list[str]) -> int:
    return sum(1 for line in lines if _OF_DIFF.match(line))


def _edits(found: list[Piece]) -> tuple[list[FileEdit], list[Aside]]:
    edits: list[FileEdit] = []
    changes = [(draft, piece) for draft, piece in enumerate(found) if piece.is_change]
    for draft, piece in changes:
        edits += _read_piece(piece, draft, edits[-1] if edits else None)
    if not changes:
        edits = [whole.edit(name, piece.lines) for piece in found if (name := _whole_name(piece, found)) is not None]
    if not edits:
        raise stop("no_diff", "the answer holds no diff")
    asides = [
        Aside(name=_name(piece), lines=tuple(piece.lines))
        for piece in found
        if not piece.is_change and (piece.label or "").lower() not in _ASIDE and (_name(piece) is None) != bool(changes)
    ]
    if len(asides) > _ASIDES_LIMIT:
        raise stop("too_large", f"the answer has more than {_ASIDES_LIMIT} blocks beside its change")
    return edits, asides


def _read_piece(piece: Piece, draft: int, last: FileEdit | None) -> list[FileEdit]:
    if any(v4a.starts(line) for line in piece.lines):
        return v4a.read(piece.lines, draft=draft, closed=piece.closed)
    if any(blocks.SEARCH.fullmatch(line) for line in piece.lines):
        return blocks.read(piece.lines, named=piece.named, draft=draft)
    if any(unified.starts_diff(piece.lines, at) for at in range(len(piece.lines))):
        edits = unified.read(piece.lines, draft=draft, last=last)
        _refuse_other_name(piece, edits)
        return edits
    path = _meant(piece, last)
    named = [FileEdit(old=(path,), new=(path,))] if path else []
    return named + unified.read(piece.lines, draft=draft, last=named[0] if named else last)


def _refuse_other_name(piece: Piece, edits: list[FileEdit]) -> None:
    """Raise Stop where the line before names another file than the diff: is it a file that shows a diff?"""
    names = {name.rpartition("/")[2] for edit in edits for name in (*(edit.old or ()), *(edit.new or ()))}
    if piece.named is not None and names and piece.named.rpartition("/")[2] not in names:
        told = f"the line before the diff names {piece.named}, the diff {edits[0].name}: which of them shall change?"
        raise stop("ambiguous_path", told, piece.named)


def _meant(piece: Piece, last: FileEdit | None) -> str | None:
    """The file of hunks without a header, None for that of the hunks before: it is named, or the words speak of it."""
    if piece.named is not None:
        return piece.named
    said = paths_in(piece.before)
    others = [path for path in said if last is None or not f"/{last.name}".endswith(f"/{path}")]
    if len(said) > 1 and others:
        told = f"this hunk names no file, and the words before it name several ({', '.join(said[:5])}); "
        raise stop("malformed", told + "put `--- a/PATH` and `+++ b/PATH` before it")
    return others[0] if others else None


def _whole_name(piece: Piece, found: list[Piece]) -> str | None:
    """The file that the block is all of, None if it is named nowhere. Raises Stop: truncated, malformed."""
    name = _name(piece)
    if name is None:
        return None
    if not piece.closed:
        raise stop("truncated", "the answer ends inside a file: the closing ``` is missing", name)
    after = found[found.index(piece) + 1 :][:1]
    may_go_on = piece.marks == _SHORTEST_FENCE and any(other.abrupt and not other.label for other in after)
    if may_go_on and is_markdown(piece.label, name):
        raise stop("malformed", f"{name} has fences in it: put it into a longer one (````), or send a diff", name)
    return name


def _name(piece: Piece) -> str | None:
    return piece.named or path_in((piece.label or "").rpartition(":")[2])


def _has_own_end(piece: Piece) -> bool:
    """Whether it is of a format that ends with a mark, which its reader demands."""
    return any(v4a.starts(line) or blocks.SEARCH.fullmatch(line) for line in piece.lines)


def _ending(found: list[Piece], text: str) -> Ending:
    last = found[-1]
    if last.closed or _has_own_end(last) or not (last.is_change or not any(piece.is_change for piece in found)):
        return "closed"
    if not text.endswith("\n"):
        return "sudden"
    return "newline" if last.label is None else "unclosed"
