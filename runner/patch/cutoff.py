"""Answers that stop before their end: a hunk that may be half of one is never applied."""

from __future__ import annotations

import re
from dataclasses import replace

from runner.patch.answer import Answer
from runner.patch.edit import Hunk
from runner.patch.prose import prose_from
from runner.patch.refusal import stop

_END_MARK = re.compile(r"</\w+>|EOF|END|PATCH|`{3,}|~{3,}")
_HEADERS = ("diff --git ", "--- a/", "+++ b/", "@@ -", "index ", "new file mode ", "deleted file mode ", "rename from ")
_CONTEXT = 3


def check(answer: Answer) -> None:
    """Judge the last hunk of `answer` by how the answer ends; it is marked as suspect where the file must decide.

    Raises Stop(truncated).
    """
    last = answer.edits[-1]
    if answer.ending == "closed" or last.whole:
        return
    if not last.hunks:
        if answer.ending == "sudden":
            raise stop("truncated", f"the answer ends within the header of {last.name}", last.name)
        return
    hunk = last.hunks[-1]
    sudden = answer.ending == "sudden"
    if _goes_on_in_words(hunk) and not (sudden and _begins_a_header(hunk.lines[-1])):
        return
    if sudden:
        if not (hunk.is_counted and hunk.first.tags[-1] != "+" and hunk.first.texts[-1].strip()):
            raise stop("truncated", f"the answer ends within a line of {last.name}: it was cut off", last.name)
        # Its last line shows that it is whole only if the file has just that line there.
        readings = tuple(tuple(replace(body, literal=True) for body in group) for group in hunk.readings)
        last.hunks[-1] = replace(hunk, readings=readings)
    if answer.ending == "unclosed" and _is_short(hunk):
        raise stop("truncated", f"the answer ends inside a hunk of {last.name}: it was cut off", last.name)
    if answer.ending == "newline" and _is_short(hunk) and _looks_half(hunk):
        last.hunks[-1] = replace(hunk, suspect=True)


def _goes_on_in_words(hunk: Hunk) -> bool:
    """Whether an explanation or a mark of the end follows, so that the hunk itself is whole."""
    start = prose_from(hunk.lines)
    return start is not None and (hunk.lines[start] == "" or _END_MARK.match(hunk.lines[start].strip()) is not None)


def _begins_a_header(line: str) -> bool:
    """Whether the answer may have stopped within the next header."""
    return any(head.startswith(line.rstrip()) for head in _HEADERS)


def _is_short(hunk: Hunk) -> bool:
    """Whether lines are missing that the header counts, and none is too many."""
    if hunk.counts is None or hunk.is_counted:
        return False
    return len(hunk.first.old) <= hunk.counts[0] and len(hunk.first.new) <= hunk.counts[1]


def _looks_half(hunk: Hunk) -> bool:
    """Whether the hunk begins as git's hunks do, and does not end like one. (A new file has no such ends.)"""
    tags = hunk.first.tags
    leading, trailing = len(tags) - len(tags.lstrip(" ")), len(tags) - len(tags.rstrip(" "))
    return bool(hunk.first.old) and trailing < _CONTEXT and (leading == _CONTEXT or hunk.line == 1)
