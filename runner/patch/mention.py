"""A file's path on a line of its own, as models write it above a block: `**src/app.py**`, `### File: src/app.py`.

And paths that words speak of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ALONE = re.compile(
    r"""(?:\d+[.)]\ ?)?
    (?:(?:new\ |updated?\ |create\ |modify\ |edit\ |change\ )*(?:file(?:name)?|path)?\ ?:)?
    [ *`"']*
    (?P<path>(?:\.?/)?[\w.@+\-\[\]()]+(?:/[\w.@+\-\[\]()]+)*)
    [ *`"':]*
    (?:\((?:new|updated|modified|existing|created)[\w ]*\)[ *:]*)?""",
    re.VERBOSE | re.IGNORECASE,
)
_DECORATION = " \t#*>`-"
"""Before the path: a heading, emphasis, a list, a quotation."""
_KNOWN_NAMES = frozenset(
    {"Makefile", "Dockerfile", "LICENSE", "Gemfile", "Rakefile", "Procfile", "Justfile", "Vagrantfile"}
)
_PRODUCTS = frozenset(
    {"node.js", "next.js", "vue.js", "react.js", "express.js", "three.js", "d3.js", ".net", "asp.net"}
)
"""Names in words that look like a file's."""
_WORD = re.compile(r"[\w@+\-./]*\w")
_SUFFIXES = frozenset(
    re.findall(
        r"\w+",
        """bash c cc cfg clj cmake conf cpp cs css csv dart erb ex exs go gradle h hpp hs htm html ini java js json jsx
    kt less lock lua md mjs ml php pl proto ps1 py pyi r rb rs rst sass scala scss sh sql svelte svg swift tf toml ts
    tsx txt vue xml yaml yml zig""",
    )
)
_LINE = 300
_COMMENT = re.compile(r"(?://|/\*|<!--)\s*")


def path_in(line: str) -> str | None:
    """The path that is all `line` says, or None."""
    if len(line) > _LINE:
        return None
    words = _COMMENT.sub("", " ".join(line.lstrip(_DECORATION).split()), count=1)
    match = _ALONE.fullmatch(words)
    if match is None:
        return None
    path = match["path"].removeprefix("./")
    looks_like_one = (
        "/" in path
        or re.fullmatch(r"\.?[\w\-]+(?:\.[\w\-]+)*\.[A-Za-z][\w\-]*|\.\w[\w\-.]*", path)
        or path in _KNOWN_NAMES
    )
    if not looks_like_one or path.endswith((".", "/")) or path.lower() in _PRODUCTS:
        return None
    return path


def paths_in(lines: Iterable[str]) -> tuple[str, ...]:
    """The files that these lines of prose name, each once: what has the ending of a text file or a known name."""
    words = (word for line in lines for word in _WORD.findall(line[:_LINE]))
    return tuple(dict.fromkeys(word.removeprefix("./") for word in words if _is_a_file(word)))


def _is_a_file(word: str) -> bool:
    stem, dot, suffix = word.rpartition("/")[2].rpartition(".")
    named = bool(dot and stem) and suffix.lower() in _SUFFIXES and word.lower() not in _PRODUCTS
    return named or word in _KNOWN_NAMES
