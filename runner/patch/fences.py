"""The fenced blocks of an answer in markdown, and the bare diff after them if there is one.

A fence is closed by a line of the same character, at least as long, that stands no deeper than the opening one: inside
a diff, a fence that is content stands behind its marker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runner.patch import blocks, unified, v4a
from runner.patch.mention import path_in
from runner.patch.prose import is_bullet_list

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<label>[^\s`{]*)[^`]*")
_FIRST = frozenset("d-+*<")
_DIFF_LABELS = frozenset({"diff", "patch", "udiff"})


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of an answer that may hold a change. `label` is the fence's word, None for what stands bare.

    `named`: the path alone on the line before. `closed`: it has an end of its own, and did not just stop.
    """

    lines: list[str]
    label: str | None
    named: str | None
    closed: bool

    @property
    def is_change(self) -> bool:
        """Whether it holds hunks or blocks of some format."""
        if self.label is not None and self.label.lower() in _DIFF_LABELS:
            marked = any(line[:1] in ("+", "-", "@") for line in self.lines)
            return marked or any(_starts(self.lines, at) for at in range(len(self.lines)))
        if self.label is not None and self.named is not None and not self._begins_with_change:
            return False  # a whole file, which may show a diff
        return any(_starts(self.lines, at) for at in range(len(self.lines))) or _has_hunk(self.lines)

    @property
    def _begins_with_change(self) -> bool:
        written = [at for at, line in enumerate(self.lines) if line.strip()][:2]
        return any(_starts(self.lines, at) or self.lines[at].startswith("@@") for at in written)


def pieces(lines: list[str]) -> Iterator[Piece]:
    """Every fenced block, inner ones of a block of markdown too, then the bare diff (all up to the end)."""
    at = 0
    named: str | None = None
    while at < len(lines):
        line = lines[at]
        if _starts(lines, at):
            yield Piece(lines=lines[at:], label=None, named=_path(named), closed=False)
            return
        fence = _FENCE.fullmatch(line) if "```" in line or "~~~" in line else None
        if fence is None:
            named = line if line.strip() else named
            at += 1
            continue
        end = _closing(lines, at + 1, fence)
        content = [_dedented(inner, len(fence["indent"])) for inner in lines[at + 1 : end]]
        if _path(named) is None and _holds_fences(content, fence["label"]):
            yield from pieces(content)
        else:
            yield Piece(lines=content, label=fence["label"], named=_path(named), closed=end < len(lines))
        at, named = end + 1, None


def _path(line: str | None) -> str | None:
    return path_in(line) if line is not None else None


def _starts(lines: list[str], at: int) -> bool:
    if lines[at][:1] not in _FIRST:
        return False
    return unified.starts_diff(lines, at) or v4a.starts(lines[at]) or blocks.SEARCH.fullmatch(lines[at]) is not None


def _has_hunk(lines: list[str]) -> bool:
    headed = any(line.startswith("@@") for line in lines)
    return headed and any(line[:1] in ("+", "-") for line in lines)


def _holds_fences(lines: list[str], label: str) -> bool:
    """Whether the block is itself a text with fences, rather than a change whose content has some."""
    if label.lower() in _DIFF_LABELS:
        return False
    for at, line in enumerate(lines):
        if _starts(lines, at):
            return False
        if fence := _FENCE.fullmatch(line):
            inner = lines[at + 1 : _closing(lines, at + 1, fence)]
            return any(_starts(inner, i) for i in range(len(inner))) or _has_hunk(inner)
    return False


def _closing(lines: list[str], at: int, fence: re.Match[str]) -> int:
    """Index of the line that closes `fence`, or the number of lines."""
    begin = at
    in_block = False
    while at < len(lines):
        if blocks.SEARCH.fullmatch(lines[at]):
            in_block = True
        elif in_block:
            in_block = blocks.REPLACE.fullmatch(lines[at]) is None
        elif _closes(lines[at], fence) and not _goes_on(lines, begin, at):
            return at
        at += 1
    return at


def _closes(line: str, fence: re.Match[str]) -> bool:
    marks = line.strip(" \t")
    depth = len(line) - len(line.lstrip(" \t"))
    return set(marks) == {fence["marks"][0]} and len(marks) >= len(fence["marks"]) and depth <= len(fence["indent"])


def _goes_on(lines: list[str], begin: int, at: int) -> bool:
    """Whether the fence at line `at` is content of the diff around it: more of the diff comes, then another fence."""
    if not any(line.startswith("@@") for line in lines[begin:at]):
        return False
    after: list[str] = []
    for line in lines[at + 1 :]:
        if _FENCE.fullmatch(line) and not line.startswith(" "):
            written = [inner for inner in after if inner.strip()]
            changed = [inner for inner in written if inner[0] in "+-"]
            return all(inner[0] in " +-\\@" for inner in written) and bool(changed) and not is_bullet_list(changed)
        after.append(line)
    return False


def _dedented(line: str, depth: int) -> str:
    """The line without the indentation that its fence has."""
    return line[min(depth, len(line) - len(line.lstrip(" \t"))) :]
