"""Whether an answer without a diff is a question to the user: a line `QUESTION: …`, outside of any code block."""

from __future__ import annotations

import re

_LONGEST = 4_000
"""Characters: what the host keeps."""
_MARK = re.compile(r"[ \t>#*_-]*question[*_]*[ \t]*:[*_ \t]*(?P<rest>.*)", re.IGNORECASE)
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_THINKING = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_CHANGE = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*(?:diff|patch|udiff)\b|^diff --git |^--- .*\n\+\+\+ |^@@ |^\*\*\* Begin Patch"
    r"|^<{5,} ?SEARCH",
    re.MULTILINE,
)


def asked(answer: str) -> str | None:
    """The question, from its mark to the end of the answer; None when there is none, or anything like a diff."""
    text = _THINKING.sub("", answer)
    if _CHANGE.search(text):
        return None
    lines = text.split("\n")
    fenced = False
    for at, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (mark := _MARK.fullmatch(line)):
            return "\n".join([mark["rest"], *lines[at + 1 :]]).strip()[:_LONGEST] or None
    return None
