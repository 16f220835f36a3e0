"""What a file defines, uses and imports, by the language's grammar; by the file's look where there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.survey import queries
from runner.syntax import grammars

if TYPE_CHECKING:
    from tree_sitter import Tree

MOST_DEFINITIONS = 400
"""Definitions kept of one file; generated code has thousands."""
_SECONDS = 0.3
_SIGNATURE = 160
_LOOKS = re.compile(
    rb"^([ \t]*)(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|override|open|data"
    rb"|sealed|pub(?:\([a-z]+\))?|local|inline)[ \t]+)*"
    rb"(?:class|interface|trait|struct|enum|object|protocol|module|namespace|type|def|fn|func|fun|function|sub)[ \t]+"
    rb"([A-Za-z_][\w.:]*)[^\n]*",
    re.MULTILINE,
)
_PUNCTUATION = re.compile(rb"(?:[^\w\s]\s*+)++")
_LONG_ROW = 1000
_IDENTIFIER = re.compile(rb"[A-Za-z_]\w{3,}")
_IMPORTS = re.compile(
    rb"""^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+\(?([\w, \t]*)      # Python
    |^[ \t]*(?:pub[ \t]+)?(?:import|use|using|mod)[ \t]+(?:static[ \t]+)?([A-Za-z_][\w.:\\]*)  # Python, Java, Rust, PHP
    |^[ \t]*\#[ \t]*include[ \t]*[<"]([^">\n]+)[">]                # C
    |(?:\bfrom|\bimport|\brequire(?:_relative)?|\bload)[ \t]*+(?:\([ \t]*+)?["']([^"'\n]{1,200})["']  # quoted
    """,
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """A class, function, method, … by name; `line` from 1, `signature` its first line with its indentation."""

    name: str
    line: int
    signature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tags:
    """What one file says of others. `imports` as written: `a.b`, `./a`, `a/b.h`."""

    definitions: tuple[Definition, ...]
    references: frozenset[str]
    imports: tuple[str, ...]


def of(path: str, source: bytes) -> Tags:
    """The tags of a file's text; for any bytes, in bounded time."""
    found = _parsed(path, source) or _looked_at(source)
    return Tags(definitions=found[0], references=found[1], imports=_imports(source))


def _parsed(path: str, source: bytes) -> tuple[tuple[Definition, ...], frozenset[str]] | None:
    name = grammars.language_of(path)
    text = queries.TAGS.get(name or "")
    if name is None or text is None:
        return None
    tree = grammars.parse(name, source, _SECONDS)
    query = grammars.query(name, text)
    if tree is None or query is None or _is_slow(tree, source):
        return None
    from tree_sitter import QueryCursor  # there is one: it made the tree

    captures = QueryCursor(query).captures(tree.root_node)
    lines = source.split(b"\n")
    # Not node.text: for a tree that was read in chunks it reads them again.
    rows = {(node.start_point.row, source[node.start_byte : node.end_byte]) for node in captures.get("name", [])}
    definitions = tuple(_definition(row, name, lines[row]) for row, name in sorted(rows)[:MOST_DEFINITIONS])
    used = {source[node.start_byte : node.end_byte] for node in captures.get("used", [])}
    return definitions, frozenset(name.decode("utf-8", "replace") for name in used)


def _is_slow(tree: Tree, source: bytes) -> bool:
    """Whether a query might take minutes: for each token it looks for the next sibling that is more than a token, and
    in a long row of brackets, or of the pieces of an error, there is none. (tree-sitter 0.26 can limit a query's time
    by a callback, but crashes when it is used.)"""
    if any(len(run) > _LONG_ROW for run in _PUNCTUATION.findall(source)):
        return True
    return tree.root_node.has_error and any(
        node.is_error and node.child_count > _LONG_ROW for node in grammars.nodes(tree)
    )


def _looked_at(source: bytes) -> tuple[tuple[Definition, ...], frozenset[str]]:
    definitions = []
    row, at = 0, 0
    for match in _LOOKS.finditer(source):
        row += source.count(b"\n", at, match.start())
        at = match.start()
        definitions.append(_definition(row, match[2], match[0]))
        if len(definitions) == MOST_DEFINITIONS:
            break
    return tuple(definitions), frozenset(name.decode() for name in _IDENTIFIER.findall(source))


def _definition(row: int, name: bytes, line: bytes) -> Definition:
    text = line.decode("utf-8", "replace").expandtabs(4).rstrip().rstrip("{").rstrip()
    signature = "".join(char if char.isprintable() else " " for char in text[:_SIGNATURE])
    return Definition(name=name.decode("utf-8", "replace"), line=row + 1, signature=signature)


def _imports(source: bytes) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for module, names, *others in _IMPORTS.findall(source):
        for raw in (module, *others):
            if raw:
                found[raw.decode("utf-8", "replace")] = None
        for name in re.findall(rb"\w+", names) if module else ():  # `from package import module`
            found[f"{module.decode()}{'' if module.endswith(b'.') else '.'}{name.decode()}"] = None
    return tuple(found)
