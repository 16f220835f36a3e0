"""Python, by the compiler of the Python that runs this; what it refuses may be right in another version."""

from __future__ import annotations

import ast
import re
import warnings

from runner.syntax import trees
from runner.syntax.problem import Problem, at

_ANY_VERSION = re.compile(
    r"invalid syntax|expected '\('|expected ':'|f-string|multiple exception types must be parenthesized"
    r"|Missing parentheses in call to|leading zeros in decimal integer"
)
"""What a parser says of syntax that it does not know yet, or no more. Everything else it says of real mistakes."""


def problem(path: str, source: bytes) -> Problem | None:
    """Where `source` is no Python: not by this Python, nor by tree-sitter's grammar of all versions."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape, `is` with a literal: not ours to judge
            tree = ast.parse(source, path)
            compile(tree, path, "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        found = _place(path, source, error)
        if _ANY_VERSION.match(found.reason) and trees.accepts("python", source):
            return None
        return found
    except ValueError as error:  # a NUL byte
        return at(path, source, source[: max(source.find(b"\0"), 0)].count(b"\n") + 1, 1, str(error))
    except (RecursionError, MemoryError):  # nested too deep for this compiler
        return None
    return None


def _place(path: str, source: bytes, error: SyntaxError) -> Problem:
    return at(path, source, error.lineno or 1, error.offset or 1, error.msg)
