"""What an answer without a change asks for: files to be shown (`NEED: path`), or the user (`QUESTION: …`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_FILES = 20
"""Paths that are heard of one answer."""
_LONGEST = 4_000
"""Characters of a question: what the host keeps."""
_LONGEST_PATH = 300
_QUESTION = re.compile(r"[ \t>#*_-]*question[*_]*[ \t]*:[*_ \t]*(?P<rest>.*)", re.IGNORECASE)
_NEED = re.compile(r"[ \t>#*_\d.)-]*NEED[*_]*[ \t]*:[*_ \t]*(?P<rest>.*)")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_REMARK = re.compile(r"[ \t]+(?:\(|[-–—#]+[ \t]|//).*")
_THINKING = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_CHANGE = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*(?:diff|patch|udiff)\b|^diff --git |^--- .*\n\+\+\+ |^@@ |^\*\*\* Begin Patch"
    r"|^<{5,} ?SEARCH",
    re.MULTILINE,
)


def files(answer: str) -> tuple[str, ...]:
    """The paths that the model needs to see, each once; none where there is anything like a change."""
    text = _said(answer)
    needed = (_paths(mark["rest"]) for line in text.split("\n") if (mark := _NEED.fullmatch(line.rstrip("\r"))))
    found = dict.fromkeys(path for paths in needed for path in paths)
    return () if is_change(text) else tuple(found)[:MOST_FILES]


def question(answer: str) -> str | None:
    """The question, from its mark to the end of the answer; None when there is none, or anything like a change."""
    text = _said(answer)
    if is_change(text):
        return None
    lines = text.split("\n")
    fenced = False
    for at, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (mark := _QUESTION.fullmatch(line)):
            return "\n".join([mark["rest"], *lines[at + 1 :]]).strip()[:_LONGEST] or None
    return None


def is_change(answer: str) -> bool:
    """Whether there is anything like a change, or the beginning of one."""
    return _CHANGE.search(_said(answer)) is not None


def _said(answer: str) -> str:
    """The answer without what the model only thought."""
    return _THINKING.sub("", answer)


def _paths(rest: str) -> Iterator[str]:
    """`src/a.py`, `b.py` of "`src/a.py`, ./b.py (its caller)"."""
    for part in rest.split(", "):
        path = _REMARK.sub("", part).strip(" \t`'\"*,;").removeprefix("./")
        if 0 < len(path) <= _LONGEST_PATH and path.isprintable():
            yield path
