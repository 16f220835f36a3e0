"""Does a changed file still parse? A function of bytes: it reads no file, runs nothing and needs no network.

grammars   tree-sitter's grammars, where they are installed
python     Python's own parser, and where another version's syntax is none of its business
data       JSON and TOML, by the standard library
trees      every other language, by the error nodes of its grammar
problem    what was found
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from runner.syntax import data, grammars, python, trees
from runner.syntax.problem import Problem

__all__ = ["Problem", "check"]

_Checker = Callable[[str, bytes], Problem | None]
_BY_SUFFIX: dict[str, _Checker] = {
    ".py": python.problem,
    ".pyi": python.problem,
    ".json": data.json_problem,
    ".toml": data.toml_problem,
}


def check(path: str, before: bytes | None, after: bytes) -> Problem | None:
    """The first place where `after` breaks its language's grammar, if `before` did not or there was no file before.

    None as well where nothing can be said: an unknown language, no grammar for it, a template of a file, text that
    is too large or too slow to parse. Raises nothing for any bytes.
    """
    checker = _checker(path)
    if checker is None or len(after) > grammars.LARGEST or "{{" in path:
        return None
    found = checker(path, after)
    if found is None or (before is not None and checker(path, before) is not None):
        return None
    return found


def _checker(path: str) -> _Checker | None:
    by_suffix = _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())
    return by_suffix or (trees.problem if grammars.language_of(path) else None)
