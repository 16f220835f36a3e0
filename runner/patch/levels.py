"""How alike two lines must be: exactly, but for blanks at the end, but for typography, but for whitespace.

Only for comparing: what is written comes from the file, and from the answer's added lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from enum import IntEnum


class Level(IntEnum):
    """What had to be forgiven; everything beyond FOLD is marked for the reviewer."""

    EXACT = 0
    """Nothing."""
    TRAILING = 1
    """Blanks and a carriage return at the end."""
    FOLD = 2
    """Unicode composition, typographic quotes, dashes and spaces."""
    WHITESPACE = 3
    """Indentation and runs of blanks."""
    GAP = 4
    """Context lines that the model left out."""


_BLANKS = " \t\r\f\v"
_RUN = re.compile(r"[ \t\r\f\v]+")
_TYPOGRAPHY = (
    ("'", "\u2018\u2019\u201a\u201b\u2032\u00b4"),
    ('"', "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"),
    ("-", "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"),
    (" ", "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"),
    ("...", "\u2026"),
    ("", "\ufeff\u200b\u200c\u200d\u2060\u00ad"),
)
_FOLDED = str.maketrans({char: plain for plain, chars in _TYPOGRAPHY for char in chars})


def _exact(line: str) -> str:
    return line


def _trailing(line: str) -> str:
    return line.rstrip(_BLANKS)


def _fold(line: str) -> str:
    if line.isascii():
        return line.rstrip(_BLANKS)
    # Bytes that are no UTF-8 (they came in as surrogates) look to a model like the replacement character.
    shown = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return unicodedata.normalize("NFC", shown).translate(_FOLDED).rstrip(_BLANKS)


def _whitespace(line: str) -> str:
    return _RUN.sub(" ", _fold(line)).strip(" ")


KEYS: tuple[Callable[[str], str], ...] = (_exact, _trailing, _fold, _whitespace)
"""By level: what two lines have in common that are equal at it."""


def keys_of(lines: Sequence[str], level: Level) -> list[str]:
    """`KEYS[level]` of every line, all at once: a large file has many."""
    if level < Level.FOLD:
        return list(map(KEYS[level], lines))
    text = "\n".join(lines)
    if not text.isascii():
        shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        text = unicodedata.normalize("NFC", shown).translate(_FOLDED)
    if level == Level.WHITESPACE:
        return [line.strip(" ") for line in _RUN.sub(" ", text).split("\n")] if lines else []
    return [line.rstrip(_BLANKS) for line in text.split("\n")] if lines else []


CONTIGUOUS = (Level.EXACT, Level.TRAILING, Level.FOLD, Level.WHITESPACE)
"""The levels at which a hunk's old lines stand in the file without a gap, strictest first."""


def indent_of(line: str) -> str:
    """The blanks that a line starts with."""
    return line[: len(line) - len(line.lstrip(" \t"))]
