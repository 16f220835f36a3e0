"""JSON and TOML, by the standard library."""

from __future__ import annotations

import json
import re
import tomllib

from runner.syntax.problem import Problem, at

_WITH_COMMENTS = re.compile(
    r"(?:^|/)(?:[tj]sconfig[^/]*|\.eslintrc|devcontainer|\.swcrc|api-extractor|deno)\.json$|(?:^|/)\.(?:vscode|zed)/"
)
"""JSON in name alone: its readers take comments and commas at the end."""
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


def json_problem(path: str, source: bytes) -> Problem | None:
    """Where `source` is no JSON."""
    if _WITH_COMMENTS.search(path):
        return None
    try:
        json.loads(source)
    except json.JSONDecodeError as error:
        return at(path, source, error.lineno, error.colno, error.msg)
    except UnicodeDecodeError as error:
        return _not_unicode(path, source, error)
    except (ValueError, RecursionError):  # an integer of thousands of digits, nesting beyond this parser: still JSON
        return None
    return None


def toml_problem(path: str, source: bytes) -> Problem | None:
    """Where `source` is no TOML."""
    try:
        tomllib.loads(source.decode("utf-8"))
    except UnicodeDecodeError as error:
        return _not_unicode(path, source, error)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        end = (source.count(b"\n") + 1, len(source) + 1)
        line, column = (int(place[1]), int(place[2])) if place and place[1] else end
        return at(path, source, line, column, _TOML_PLACE.sub("", str(error)))
    except (ValueError, RecursionError):  # as above
        return None
    return None


def _not_unicode(path: str, source: bytes, error: UnicodeDecodeError) -> Problem:
    """`error` as a place."""
    ahead = source[: error.start]
    column = len(ahead.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
    return at(path, source, ahead.count(b"\n") + 1, column, f"not {error.encoding.upper()}: {error.reason}")
