"""Languages known by tree-sitter's grammar alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runner.syntax import grammars
from runner.syntax.problem import Problem, at

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_SECONDS = 5.0
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = frozenset(_PAIRS.values())
_MACROS = frozenset(("c", "cpp"))
"""Languages in which a macro makes any text legal: only brackets that do not match are a mistake for sure."""
_LONE_BRACKETS = frozenset(("bash",))
"""Languages in which a bracket may stand alone, as in `case … a)`."""
_FLOW, _FLOW_WITHIN = b"@flow", 2000
"""The mark at a JavaScript file's top that makes it one with types, which no grammar here knows."""
_SHORT = 40


def problem(path: str, source: bytes) -> Problem | None:
    """The first error node of `source`, or the bracket that causes it."""
    name = grammars.language_of(path)
    if name is None or (name == "javascript" and _FLOW in source[:_FLOW_WITHIN]):
        return None
    tree = grammars.parse(name, source, _SECONDS)
    found = _found(tree, name) if tree is not None and tree.root_node.has_error else None
    if found is None:
        return None
    node, reason = found
    row, column = node.start_point
    line = source.split(b"\n")[row]
    return at(path, source, row + 1, len(line[:column].decode("utf-8", "replace")) + 1, reason)


def accepts(name: str, source: bytes) -> bool:
    """Whether the language's grammar reads all of `source` without an error. False without the grammar."""
    tree = grammars.parse(name, source, _SECONDS)
    return tree is not None and not tree.root_node.has_error


def _found(tree: Tree, name: str) -> tuple[Node, str] | None:
    found = None if name in _LONE_BRACKETS else _unmatched(tree)
    return found or (None if name in _MACROS else _first_error(tree))


def _unmatched(tree: Tree) -> tuple[Node, str] | None:
    """The first bracket that closes none, or else the last one that is never closed."""
    opened: list[Node] = []
    for node in _leaves(tree):
        if node.is_missing or node.is_named:
            continue
        if node.type[-1:] in _PAIRS:  # `${` and `#{` open as well
            opened.append(node)
        elif node.type in _CLOSERS:
            if not opened:
                return node, f"unmatched '{node.type}'"
            opener = opened.pop()
            if _PAIRS[opener.type[-1]] != node.type:
                return opener, f"'{opener.type}' is closed by '{node.type}' in line {node.start_point.row + 1}"
    return (opened[-1], f"'{opened[-1].type}' is never closed") if opened else None


def _first_error(tree: Tree) -> tuple[Node, str] | None:
    for node in _nodes(tree):
        if node.is_missing:
            return node, f"'{node.type}' is missing"
        if node.is_error:
            said = re.sub(r"\s+", " ", (node.text or b"")[:_SHORT].decode("utf-8", "replace"))
            return node, f"invalid syntax at '{said}'" if said else "invalid syntax"
    return None


def _nodes(tree: Tree) -> Iterator[Node]:
    """Every node in the order of the text, without recursion: the nesting is as deep as the file's author likes."""
    cursor = tree.walk()
    while True:
        node = cursor.node
        if node is not None:
            yield node
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while cursor.goto_parent():
            if cursor.goto_next_sibling():
                break
        else:
            return


def _leaves(tree: Tree) -> Iterator[Node]:
    return (node for node in _nodes(tree) if not node.child_count)
