"""tree-sitter's grammars: one per language, loaded when first needed, and no error where one is not installed.

A grammar is C code that reads hostile text: sizes and time are bounded here, for every caller.
"""

from __future__ import annotations

import time
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Query, Tree

LARGEST = 1_000_000
"""Bytes of the largest text that is parsed."""
_CHUNK = 64 * 1024
_SUFFIXES = {
    "bash": "sh bash",
    "c": "c",
    "c_sharp": "cs",
    "cpp": "h cc cpp cxx hh hpp hxx",
    "go": "go",
    "java": "java",
    "javascript": "js jsx mjs cjs",
    "php": "php",
    "python": "py pyi",
    "ruby": "rb rake gemspec",
    "rust": "rs",
    "tsx": "tsx",
    "typescript": "ts mts cts",
}
_BY_SUFFIX = {f".{suffix}": name for name, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_FACTORIES = {
    "php": ("tree_sitter_php", "language_php"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
"""Module and function of a grammar whose wheel holds several."""


def language_of(path: str) -> str | None:
    """The language of a file by its name's ending, whether there is a grammar for it or not."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())


@cache
def language(name: str) -> Language | None:
    """The grammar of a language; None where tree-sitter or this grammar cannot be loaded."""
    module, factory = _FACTORIES.get(name, (f"tree_sitter_{name}", "language"))
    try:
        from tree_sitter import Language  # noqa: PLC0415 - a runner without it still works

        return Language(getattr(import_module(module), factory)())
    except (ImportError, AttributeError, ValueError, OSError):  # missing, or made for another tree-sitter
        return None


@cache
def query(name: str, text: str) -> Query | None:
    """A query of the language `name`; None without its grammar. Raises tree_sitter.QueryError for a broken query."""
    grammar = language(name)
    if grammar is None:
        return None
    from tree_sitter import Query  # noqa: PLC0415 - as above

    return Query(grammar, text)


def parse(name: str, source: bytes, seconds: float) -> Tree | None:
    """The syntax tree of a text; None without a grammar, or for a text too large or too slow to parse."""
    grammar = language(name)
    if grammar is None or len(source) > LARGEST:
        return None
    from tree_sitter import Parser  # noqa: PLC0415 - as above

    until = time.monotonic() + seconds
    try:
        return Parser(grammar).parse(
            lambda offset, _: source[offset : offset + _CHUNK],
            progress_callback=lambda _, __: time.monotonic() > until,
        )
    except ValueError:  # the time was up
        return None
