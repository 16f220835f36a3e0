"""An answer that ran into the output limit, and its rest: joined only where both show the same lines.

Where a rest begins cannot be guessed: half a line more or less is another change. So the model is asked to repeat the
last lines and to go on from there; a rest that does not begin with them is not joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from runner import asks

_DISTINCT = 60
"""Characters other than blanks that the repeated lines have at least, if there are so many."""
_LONGEST = 4_000
"""Characters that a model may be asked to repeat."""
_MOST_BEGINNINGS = 4
_FENCE = re.compile(r"(?:```|~~~)\w*[ \t]*\r?\n")


def possible(text: str) -> bool:
    """Whether the cut answer is the recognisable start of a change that can be gone on with."""
    return asks.is_change(text) and bool(last_lines(text))


def last_lines(text: str) -> str:
    """The end of `text` from the start of a line on: so much that it stands there once; "" where that is too much."""
    start = len(text)
    while start > 0:
        start = text.rfind("\n", 0, start - 1) + 1
        tail = text[start:]
        if len(tail) > _LONGEST:
            return ""
        if len("".join(tail.split())) >= _DISTINCT and text.find(tail) == start:
            return tail
    return text


def joined(text: str, rest: str) -> str | None:
    """The whole of `text` and its `rest`, without the lines that both have; None where the rest does not say them.

    More lines than were asked for may be repeated, up to all of the answer.
    """
    if rest.startswith(text):
        return rest
    start = len(text) - len(last_lines(text))
    begun = list(islice(_beginnings(rest), _MOST_BEGINNINGS))
    while begun:
        first = len(text) - len(text[start:].lstrip())  # some servers strip the beginning of an answer
        for rest in begun:
            if rest.startswith(text[first:]):
                return text[:first] + rest
        if start == 0:
            break
        start = text.rfind("\n", 0, start - 1) + 1
    return None


def _beginnings(rest: str) -> Iterator[str]:
    """`rest` from where it may really begin: blank lines and opening fences before it say nothing."""
    while rest := rest.lstrip():
        yield rest
        fence = _FENCE.match(rest)
        rest = rest[fence.end() :] if fence else ""
