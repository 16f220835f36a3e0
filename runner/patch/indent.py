"""Other indentation than the file's, put right by one constant rule that explains every old line, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from runner.patch.levels import indent_of

Rule = Callable[[str], str]
"""From a line as the model indents it to the same line as the file does."""

_WIDTHS = (4, 2, 8, 3, 1, 6, 5, 7)
_INNER_TAB = re.compile(r"\S.*\t")


@dataclass(frozen=True)
class _Pair:
    mine: str
    theirs: str
    deleted: bool

    @property
    def same(self) -> bool:
        return indent_of(self.mine) == indent_of(self.theirs)


def rule(
    old: Sequence[str], theirs: Sequence[str], deleted: Sequence[bool], added: Sequence[str], inner_tabs: bool
) -> Rule | None:
    """How the `added` lines are to be indented where the `old` lines stand for the file's lines `theirs`; None: unclear.

    `deleted` says which old lines are deleted ones; they and the added lines come from the same hand. `inner_tabs`: the
    file has tabs within its lines.
    """
    pairs = [_Pair(*three) for three in zip(old, theirs, deleted, strict=True) if three[0].strip()]
    written = [line for line in added if line.strip()]
    if not written or all(pair.same for pair in pairs):
        return _same
    context_alone = all(pair.same for pair in pairs if pair.deleted)
    if any(pair.deleted for pair in pairs) and context_alone:
        return _same if _explained([pair for pair in pairs if not pair.deleted]) else None
    found = _explained(pairs)
    if found is None:
        return None
    if isinstance(found, int):
        return _tab_rule(found, written, inner_tabs)
    return found if any(pair.deleted for pair in pairs) else _judged(found, pairs, written)


def _same(line: str) -> str:
    return line


def _explained(pairs: Sequence[_Pair]) -> Rule | int | None:
    """The rule behind all the pairs: a width (that many blanks are a tab), a function, or None."""
    for candidate in (_prefix_added(pairs), _prefix_taken(pairs)):
        if candidate is not None:
            return candidate
    for width in _WIDTHS:
        if all(_tabbed(pair.mine, width) == indent_of(pair.theirs) for pair in pairs):
            return width
        if all(indent_of(pair.mine).replace("\t", " " * width) == indent_of(pair.theirs) for pair in pairs):
            return lambda line, blanks=" " * width: indent_of(line).replace("\t", blanks) + line.lstrip(" \t")  # type: ignore[misc]
    return None


def _prefix_added(pairs: Sequence[_Pair]) -> Rule | None:
    mine, theirs = indent_of(pairs[0].mine), indent_of(pairs[0].theirs)
    prefix = theirs[: len(theirs) - len(mine)]
    if not prefix or any(prefix + indent_of(pair.mine) != indent_of(pair.theirs) for pair in pairs):
        return None
    return lambda line: prefix + line if line.strip() else line


def _prefix_taken(pairs: Sequence[_Pair]) -> Rule | None:
    mine, theirs = indent_of(pairs[0].mine), indent_of(pairs[0].theirs)
    prefix = mine[: len(mine) - len(theirs)]
    if not prefix or any(prefix + indent_of(pair.theirs) != indent_of(pair.mine) for pair in pairs):
        return None
    return lambda line: line.removeprefix(prefix)


def _tabbed(line: str, width: int) -> str:
    """The indentation of `line` with every `width` blanks as a tab."""
    indent = indent_of(line)
    if "\t" in indent:
        return indent
    return "\t" * (len(indent) // width) + " " * (len(indent) % width)


def _tab_rule(width: int, added: Sequence[str], inner_tabs: bool) -> Rule | None:
    """Blanks to tabs, unless the added lines have tabs themselves: then the context alone had lost them."""
    if any("\t" in indent_of(line) for line in added):
        return _same
    blanks = " " * width
    if inner_tabs and any(blanks in line.strip() for line in added):
        return None
    return lambda line: _tabbed(line, width) + line.lstrip(" \t")


def _judged(found: Rule, pairs: Sequence[_Pair], added: Sequence[str]) -> Rule | None:
    """The rule where only context lines speak for it. One blank more or less may be the marker's, and theirs alone.

    Then the added lines are shifted too if they stand at depths that the context has as written, and not if at depths
    that the file has.
    """
    if all(abs(len(indent_of(pair.mine)) - len(indent_of(pair.theirs))) > 1 for pair in pairs):
        return found
    mine = {indent_of(pair.mine) for pair in pairs}
    theirs = {indent_of(pair.theirs) for pair in pairs}
    depths = {indent_of(line) for line in added}
    shifted, unshifted = bool(depths & (mine - theirs)), bool(depths & (theirs - mine))
    if shifted == unshifted:
        return None
    return found if shifted else _same


def has_inner_tab(lines: Iterable[str]) -> bool:
    """Whether any line has a tab after its first character that is no blank."""
    return any(map(_INNER_TAB.search, lines))


def known_line(line: str, old: Sequence[str], theirs: Sequence[str]) -> str | None:
    """The file's line for an added line that repeats an old one, inner blanks and all; None if it repeats none."""
    found = {real for mine, real in zip(old, theirs, strict=True) if mine == line and line.strip()}
    return found.pop() if len(found) == 1 else None
