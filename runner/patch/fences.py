"""The fenced blocks of an answer in markdown, and the bare diff after them if there is one.

A fence is closed by a line of the same character, at least as long, that stands no deeper than the opening one: inside
a diff, a fence that is content stands behind its marker.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from runner.patch import blocks, unified, v4a
from runner.patch.mention import path_in
from runner.patch.prose import is_bullet_list

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})(?=[^`]*\Z)[ \t]*(?P<label>[^\s`{]*).*")
_FIRST = frozenset("d-+*<")
_MARKDOWN = frozenset({"md", "markdown", "mdx"})
_WORDS = 4
"""Lines before a block that are read as words about it."""
_DIFF_LABELS = frozenset({"diff", "patch", "udiff"})


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of an answer that may hold a change. `label` is the fence's word, None for what stands bare.

    `named`: the path alone on the line before. `closed`: it has an end of its own, and did not just stop.
    `before`: the last words before it. `marks`: how long its fence is. `abrupt`: no blank line parts it from the block
    before.
    """

    lines: list[str]
    label: str | None
    named: str | None
    closed: bool
    before: tuple[str, ...] = ()
    marks: int = 0
    abrupt: bool = False

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
    words: deque[str] = deque(maxlen=_WORDS)
    abrupt = False
    while at < len(lines):
        line = lines[at]
        named = path_in(words[-1]) if words else None
        if _starts(lines, at):
            yield Piece(lines=lines[at:], label=None, named=named, closed=False, before=tuple(words))
            return
        fence = _FENCE.fullmatch(line) if "```" in line or "~~~" in line else None
        if fence is None:
            if line.strip():
                words.append(line)
            else:
                abrupt = False
            at += 1
            continue
        end = _end(lines, at + 1, fence, named)
        content = [_dedented(inner, len(fence["indent"])) for inner in lines[at + 1 : end]]
        if named is None and _holds_fences(content, fence["label"]):
            yield from pieces(content)
        else:
            yield Piece(
                lines=content, label=fence["label"], named=named, closed=end < len(lines), before=tuple(words),
                marks=len(fence["marks"]), abrupt=abrupt,
            )  # fmt: skip
        words.clear()
        at, abrupt = end + 1, True


def is_markdown(label: str | None, named: str | None) -> bool:
    """Whether the block is a text that may have fences of its own."""
    return (label or "").lower() in _MARKDOWN or (named or "").rpartition(".")[2].lower() in _MARKDOWN


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


def _end(lines: list[str], at: int, fence: re.Match[str], named: str | None) -> int:
    """Index of the line that closes `fence`, or the number of lines. Fences within a markdown text come in pairs."""
    depth = 0
    for later in range(at, len(lines)) if is_markdown(fence["label"], named) else ():
        inner = _FENCE.fullmatch(lines[later])
        if inner is None or inner["marks"][0] != fence["marks"][0] or len(inner["marks"]) < len(fence["marks"]):
            continue
        if inner["label"]:
            depth += 1
        elif depth:
            depth -= 1
        elif _closes(lines[later], fence):
            return later
    return _closing(lines, at, fence)


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
    if not any(lines[inner].startswith("@@") for inner in range(begin, at)):
        return False
    end = next((i for i in range(at + 1, len(lines)) if lines[i][:1] in ("`", "~", "\t") and _is_fence(lines[i])), None)
    written = [line for line in lines[at + 1 : end] if line.strip()] if end is not None else []
    changed = [line for line in written if line[0] in "+-"]
    return all(line[0] in " +-\\@" for line in written) and bool(changed) and not is_bullet_list(changed)


def _is_fence(line: str) -> bool:
    return _FENCE.fullmatch(line) is not None


def _dedented(line: str, depth: int) -> str:
    """The line without the indentation that its fence has."""
    return line[min(depth, len(line) - len(line.lstrip(" \t"))) :]
