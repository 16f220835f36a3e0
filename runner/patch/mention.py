"""A file's path on a line of its own, as models write it above a block: `**src/app.py**`, `### File: src/app.py`."""

from __future__ import annotations

import re

_ALONE = re.compile(
    r"""[\s#*>`\-]*                                                    # list, heading, emphasis
    (?:\d+[.)]\s*)?
    (?:(?:new\ |updated?\ |create\ |modify\ |edit\ |change\ )*(?:file(?:name)?|path)?\s*:\s*)?
    [\s*`"']*
    (?P<path>(?:\.?/)?[\w.@+\-\[\]()]+(?:/[\w.@+\-\[\]()]+)*)
    [\s*`"':]*
    (?:\((?:new|updated|modified|existing|created)[\w\s]*\))?\s*:?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_KNOWN_NAMES = frozenset(
    {"Makefile", "Dockerfile", "LICENSE", "Gemfile", "Rakefile", "Procfile", "Justfile", "Vagrantfile"}
)
_COMMENT = re.compile(r"(?:#|//|--|/\*|<!--)\s*(?=\S*[./])")


def path_in(line: str) -> str | None:
    """The path that is all `line` says, or None."""
    if len(line) > 300:
        return None
    match = _ALONE.fullmatch(_COMMENT.sub("", line.strip(), count=1))
    if match is None:
        return None
    path = match["path"].removeprefix("./")
    looks_like_one = (
        "/" in path
        or re.fullmatch(r"\.?[\w\-]+(?:\.[\w\-]+)*\.[A-Za-z][\w\-]*|\.\w[\w\-.]*", path)
        or path in _KNOWN_NAMES
    )
    return path if looks_like_one and not path.endswith((".", "/")) else None
