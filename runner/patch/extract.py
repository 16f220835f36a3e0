"""Find the diff in an answer: in its fenced blocks, else in the bare text.

Lines end at `\\n` alone: form feeds, U+2028 and the like are content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.errors import PatchRefused

_THINKING = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"(?P<indent> {0,3})(?P<marks>`{3,}|~{3,})[ \t]*(?P<label>[^\s`{]*)[^`]*")
_DIFF_LABELS = ("diff", "patch", "udiff")
_GIT_HEADER = "diff --git "


@dataclass(frozen=True, kw_only=True)
class _Block:
    label: str
    lines: list[str]
    closed: bool


def extract(answer: str) -> str:
    """The diff text of `answer`, ending in a newline; several fenced diffs are joined in their order.

    Raises PatchRefused(patch_malformed) when there is none, or when its fence was never closed (a cut answer).
    """
    lines = _THINKING.sub("", answer).split("\n")
    raw = _bare(lines)
    blocks = [block for block in _blocks(lines[:raw]) if _is_diff(block)]
    if any(not block.closed for block in blocks):
        raise PatchRefused("patch_malformed", "the answer ends inside its diff: the closing ``` is missing")
    pieces = [block.lines for block in blocks]
    if raw < len(lines):
        pieces.append(lines[raw:])
    if not pieces:
        reason = "the answer holds no diff" if answer.strip() else "the answer is empty"
        raise PatchRefused("patch_malformed", reason)
    return "".join(_joined(piece) for piece in pieces)


def is_header_pair(lines: list[str], at: int) -> bool:
    """Whether a file's `---` / `+++` lines begin at line `at`."""
    return lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")


def _joined(lines: list[str]) -> str:
    """Lines as text. Blank lines at the end are the answer's layout, not context."""
    return "\n".join(lines).rstrip("\n") + "\n"


def _is_diff(block: _Block) -> bool:
    return block.label.lower() in _DIFF_LABELS or any(
        is_header_pair(block.lines, at) or line.startswith(_GIT_HEADER) for at, line in enumerate(block.lines)
    )


def _bare(lines: list[str]) -> int:
    """Index of the line where an unfenced diff starts, else the number of lines: fences count only outside it."""
    fence: re.Match[str] | None = None
    for at, line in enumerate(lines):
        if fence is not None:
            if _closes(line, fence):
                fence = None
        elif (opened := _FENCE.fullmatch(line)) is not None:
            fence = opened
        elif line.startswith(_GIT_HEADER) or is_header_pair(lines, at):
            return at
    return len(lines)


def _blocks(lines: list[str]) -> list[_Block]:
    found: list[_Block] = []
    fence: re.Match[str] | None = None
    body: list[str] = []
    for line in lines:
        if fence is None:
            fence, body = _FENCE.fullmatch(line), []
        elif _closes(line, fence):
            found.append(_Block(label=fence["label"], lines=body, closed=True))
            fence = None
        else:
            body.append(line.removeprefix(fence["indent"]))
    if fence is not None:
        found.append(_Block(label=fence["label"], lines=body, closed=False))
    return found


def _closes(line: str, fence: re.Match[str]) -> bool:
    """A closing fence stands where the opening one stood: a fence that is a context line has its blank before it."""
    marks = line.removeprefix(fence["indent"]).rstrip()
    return set(marks) == {fence["marks"][0]} and len(marks) >= len(fence["marks"])
