"""Python, by the compiler of the Python that runs this; what it refuses may be right in another version."""

from __future__ import annotations

import ast
import re
import warnings

from runner.syntax import trees
from runner.syntax.problem import Problem, at, at_byte

_ANY_VERSION = re.compile(
    r"invalid syntax|expected '\('|expected ':'|f-string|multiple exception types must be parenthesized"
    r"|Missing parentheses in call to|leading zeros in decimal integer"
)
"""What a parser says of syntax that it does not know yet, or no more. Everything else it says of real mistakes."""


def problem(path: str, source: bytes) -> Problem | None:
    """Where `source` is no Python: not by this Python, nor by tree-sitter's grammar of all versions."""
    if b"\0" in source:  # the compiler says so too, but not where
        return at_byte(path, source, source.index(b"\0"), "source code cannot contain null bytes")
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
    except (ValueError, RecursionError, MemoryError):  # an integer of thousands of digits, nesting beyond this compiler
        return None
    return None


def _place(path: str, source: bytes, error: SyntaxError) -> Problem:
    return at(path, source, error.lineno or 1, error.offset or 1, error.msg)
