"""The task's own words: what its text says about where in the code to look."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_TERMS, MOST_PATHS = 12, 100
_LONGEST = 200
"""Characters of a word that is looked at: the patterns below take the square of its length."""
_RUN = re.compile(r"[\w@.+/-]+")
_PATH = re.compile(r"(?<![\w/])(?:\.?[\w@+-][\w@.+-]*/)*\.?[\w@+-]*\.\w{1,8}(?!\w)|(?:[\w@.+-]+/)+[\w@.+-]*")
_CODE = re.compile(r"`([^`\n]{2,80})`|\"([^\"\n]{2,60})\"|(?<!\w)'([^'\n]{2,60})'(?!\w)")
_NAME = re.compile(r"[^\W\d]\w{2,}")
_NAMELIKE = re.compile(r"_|[a-z0-9][A-Z]|[A-Z]{2}[a-z]")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SUFFIX = re.compile(r"(?:ing|ed|es|s)\Z")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """about add added after all also and any are aren because been before being but can cannot change code could
    create does doesn done each else ensure error every file files fix following for from function get give given gives
    has have how implement improve instead into issue its just let like line lines make makes method more must name
    need needs new not now old one only other our out please problem project provide python remove rename repo
    repository return returns same see set should show since some such support sure test tests than that the their then
    there these they this those update use used user uses using value want was way when where which while will with
    without work works would write wrong you your""",
    )
)


@dataclass(frozen=True, kw_only=True)
class Words:
    """`paths` as written in the task; `terms`: lower-case text to look for, and how much a find is worth."""

    paths: tuple[str, ...]
    terms: dict[str, float]


def of_task(text: str) -> Words:
    """Paths, quoted names, identifiers and plain words of a task's text; the first `MOST_PATHS` and the most telling
    `MOST_TERMS` of them."""
    text = _RUN.sub(lambda run: run.group() if len(run.group()) <= _LONGEST else " ", text)
    paths = tuple(dict.fromkeys(match.group().strip("/.") for match in _PATH.finditer(text)))
    quoted = [next(filter(None, match.groups())) for match in _CODE.finditer(text)]
    names = {name for quote in quoted for name in _NAME.findall(quote)}
    weights: dict[str, float] = {}
    for name in _NAME.findall(text):
        telling = name in names or _NAMELIKE.search(name) is not None
        _raise(weights, name.lower() if telling else _stem(name), 4.0 if telling else 1.0)
        for part in _PARTS.findall(name) if telling else ():
            _raise(weights, _stem(part), 0.7)
    best = sorted(weights.items(), key=lambda item: -item[1])[:MOST_TERMS]
    return Words(paths=tuple(path for path in paths if path)[:MOST_PATHS], terms=dict(best))


def _raise(weights: dict[str, float], term: str, weight: float) -> None:
    if len(term) > 2 and term not in _COMMON:
        weights[term] = max(weights.get(term, 0.0), weight)


def _stem(word: str) -> str:
    """Lower case without an English ending, so that `parsing` finds `parser`; common words become nothing."""
    word = word.lower()
    if word in _COMMON:
        return ""
    return _SUFFIX.sub("", word) if len(word) > 5 else word
