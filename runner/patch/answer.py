"""From an answer's text to the file edits it asks for, whatever format and dress they come in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from runner.patch import blocks, dress, unified, v4a, whole
from runner.patch.edit import FileEdit
from runner.patch.fences import Piece, pieces
from runner.patch.mention import path_in
from runner.patch.refusal import stop

_LIMIT = 1_000_000
_LINES_LIMIT = 100_000
_FILES_LIMIT = 500
_HUNKS_LIMIT = 2_000
_ASIDE = frozenset({"bash", "sh", "shell", "console", "terminal", "text", "txt", "output", "powershell", "cmd", "log"})

_OF_DIFF = re.compile(r"\s*(?:diff --git |--- a/|\+\+\+ b/|@@ -\d|\*\*\* (?:Begin Patch|Update File:))")

Ending = Literal["closed", "newline", "unclosed", "sudden"]
"""How the last change ends: by a mark of its own; with a whole line (a bare diff); in an open fence; within a line."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an answer asks for, and how it ends."""

    edits: list[FileEdit]
    ending: Ending


def read(text: str) -> Answer:
    """The edits of `text`. Raises Stop: empty_answer, no_diff, too_large, not_unicode, truncated, malformed …"""
    if len(text) > _LIMIT:
        raise stop("too_large", f"the answer has {len(text):,} characters; at most {_LIMIT:,} are read")
    if text.count("\n") > _LINES_LIMIT:
        raise stop("too_large", f"the answer has more than {_LINES_LIMIT:,} lines")
    if not text.strip():
        raise stop("empty_answer", "the answer is empty")
    _refuse_surrogates(text)
    heads = text.count("@@") // 2 + text.count("\n--- ") + text.count("diff --git ") + text.count("<<<<<<<")
    if heads > 2 * _HUNKS_LIMIT:
        raise stop("too_large", f"the answer has more than {_HUNKS_LIMIT:,} hunks")
    text = dress.without_thoughts(text)
    packed = dress.unpacked(text)
    _refuse_surrogates(packed or "")
    found = _pieces(text if packed is None else packed)
    edits = _edits(found)
    if len(edits) > _FILES_LIMIT:
        raise stop("too_large", f"the answer names {len(edits):,} files; at most {_FILES_LIMIT:,} are changed at once")
    if sum(len(edit.hunks) for edit in edits) > _HUNKS_LIMIT:
        raise stop("too_large", f"the answer has more than {_HUNKS_LIMIT:,} hunks")
    return Answer(edits=edits, ending="closed" if packed is not None else _ending(found, text))


def _refuse_surrogates(text: str) -> None:
    """Raise Stop(not_unicode) for text that cannot be written to a file: JSON can spell what Unicode has not."""
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


def _edits(found: list[Piece]) -> list[FileEdit]:
    edits: list[FileEdit] = []
    changes = [(draft, piece) for draft, piece in enumerate(found) if piece.is_change]
    for draft, piece in changes:
        edits += _read_piece(piece, draft, edits[-1] if edits else None)
    if not changes:
        edits = _whole_files(found)
    if not edits:
        raise stop("no_diff", "the answer holds no diff")
    return edits


def _read_piece(piece: Piece, draft: int, last: FileEdit | None) -> list[FileEdit]:
    if any(v4a.starts(line) for line in piece.lines):
        return v4a.read(piece.lines, draft=draft, closed=piece.closed)
    if any(blocks.SEARCH.fullmatch(line) for line in piece.lines):
        return blocks.read(piece.lines, named=piece.named, draft=draft)
    named: list[FileEdit] = []
    headless = not any(unified.starts_diff(piece.lines, at) for at in range(len(piece.lines)))
    if headless and piece.named is not None:
        last = FileEdit(old=(piece.named,), new=(piece.named,))
        named = [last]
    return named + unified.read(piece.lines, draft=draft, last=last)


def _whole_files(found: list[Piece]) -> list[FileEdit]:
    edits: list[FileEdit] = []
    for piece in found:
        label = piece.label or ""
        named = piece.named or path_in(label.rsplit(":", 1)[-1])
        if named is None:
            if edits and label.lower() not in _ASIDE:
                raise stop("malformed", "a block of code names no file: put its path on the line before")
            continue
        if not piece.closed:
            raise stop("truncated", "the answer ends inside a file: the closing ``` is missing", named)
        edits.append(whole.edit(named, piece.lines))
    return edits


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
