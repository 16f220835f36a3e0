"""Other indentation than the file's, put right by one constant rule that explains every old line, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from runner.patch.levels import indent_of

_WIDTHS = (4, 2, 8, 3, 1, 6, 5, 7)
_TABBED_FILES = re.compile(r"(?:.*/)?(?:Makefile|.*\.(?:go|mk))")
_INNER_TAB = re.compile(r"\S.*\t")


@dataclass(frozen=True)
class Rule:
    """From a line as the model indents it to the same line as the file does.

    `width`: that many blanks were a tab; `taken`: that is taken off, and every line must have it.
    """

    change: Callable[[str], str]
    width: int | None = None
    taken: str = ""


SAME = Rule(lambda line: line)


@dataclass(frozen=True)
class Habit:
    """What all hunks of an answer show of its indentation: `width` blanks where the files have a tab, or tabs kept."""

    width: int | None = None
    keeps_tabs: bool = False


NO_HABIT = Habit()


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
    """How to indent the `added` lines where the `old` lines stand for the file's lines `theirs`; None: unclear.

    `deleted` says which old lines are deleted ones; they and the added lines come from the same hand. `inner_tabs`: the
    file has tabs within its lines.
    """
    pairs = [_Pair(*three) for three in zip(old, theirs, deleted, strict=True) if three[0].strip()]
    written = [line for line in added if line.strip()]
    if all(pair.same for pair in pairs):
        return SAME
    if not written:
        return _explained(pairs) or SAME
    context_alone = all(pair.same for pair in pairs if pair.deleted)
    if any(pair.deleted for pair in pairs) and context_alone:
        return SAME if _explained([pair for pair in pairs if not pair.deleted]) else None
    found = _explained(pairs)
    if found is None or not all(line.startswith(found.taken) for line in written):
        return None
    if found.width is not None:
        return tab_rule(found.width, written, inner_tabs)
    return found if any(pair.deleted for pair in pairs) else _judged(found, pairs, written)


def _explained(pairs: Sequence[_Pair]) -> Rule | None:
    """The rule behind all the pairs, or None."""
    for candidate in (_prefix_added(pairs), _prefix_taken(pairs)):
        if candidate is not None:
            return candidate
    for width in _WIDTHS:
        if all(_tabbed(pair.mine, width) == indent_of(pair.theirs) for pair in pairs):
            return Rule(lambda line: line, width)
        if all(_blanked(pair.mine, width) == indent_of(pair.theirs) for pair in pairs):
            return Rule(partial(_with_blanks, width=width))
    return None


def _prefix_added(pairs: Sequence[_Pair]) -> Rule | None:
    mine, theirs = indent_of(pairs[0].mine), indent_of(pairs[0].theirs)
    prefix = theirs[: len(theirs) - len(mine)]
    if not prefix or any(prefix + indent_of(pair.mine) != indent_of(pair.theirs) for pair in pairs):
        return None
    return Rule(lambda line: prefix + line if line.strip() else line)


def _prefix_taken(pairs: Sequence[_Pair]) -> Rule | None:
    mine, theirs = indent_of(pairs[0].mine), indent_of(pairs[0].theirs)
    prefix = mine[: len(mine) - len(theirs)]
    if not prefix or any(prefix + indent_of(pair.theirs) != indent_of(pair.mine) for pair in pairs):
        return None
    return Rule(lambda line: line.removeprefix(prefix), taken=prefix)


def _tabbed(line: str, width: int) -> str:
    """The indentation of `line` with every `width` blanks as a tab."""
    indent = indent_of(line)
    if "\t" in indent:
        return indent
    return "\t" * (len(indent) // width) + " " * (len(indent) % width)


def _blanked(line: str, width: int) -> str:
    """The indentation of `line` with every tab as `width` blanks."""
    return indent_of(line).replace("\t", " " * width)


def _with_blanks(line: str, width: int) -> str:
    return _blanked(line, width) + line.lstrip(" \t")


def tab_rule(width: int, added: Sequence[str], inner_tabs: bool) -> Rule | None:
    """Blanks to tabs, unless the added lines have tabs themselves: then the context alone had lost them."""
    if any("\t" in indent_of(line) for line in added):
        return SAME
    blanks = " " * width
    if inner_tabs and any(blanks in line.strip() for line in added):
        return None
    return Rule(lambda line: _tabbed(line, width) + line.lstrip(" \t"), width)


def has_tabs(lines: Iterable[str]) -> bool:
    """Whether any line is indented by tabs."""
    return any(line.startswith("\t") for line in lines)


def has_blanks(lines: Iterable[str]) -> bool:
    """Whether any line is indented by two blanks or more."""
    return any(line.startswith("  ") and line.strip() for line in lines)


def _judged(found: Rule, pairs: Sequence[_Pair], added: Sequence[str]) -> Rule | None:
    """The rule where only context lines speak for it. One blank more or less may be the marker's, and theirs alone.

    Then all the added lines must stand at depths that the context has as written alone, or, where a marker may have
    been lost, at depths that the file has alone.
    """
    if all(abs(len(indent_of(pair.mine)) - len(indent_of(pair.theirs))) > 1 for pair in pairs):
        return found
    mine = {indent_of(pair.mine) for pair in pairs}
    theirs = {indent_of(pair.theirs) for pair in pairs}
    depths = {indent_of(line) for line in added}
    if depths & (mine - theirs) and not depths & (theirs - mine):
        return found
    marker_lost = all(len(indent_of(pair.theirs)) > len(indent_of(pair.mine)) for pair in pairs)
    return SAME if marker_lost and depths <= theirs - mine else None


def has_inner_tab(lines: Iterable[str]) -> bool:
    """Whether any line has a tab after its first character that is no blank."""
    return any(map(_INNER_TAB.search, lines))


def known_line(line: str, old: Sequence[str], theirs: Sequence[str]) -> str | None:
    """The file's line for an added line that repeats an old one, inner blanks and all; None if it repeats none."""
    found = {real for mine, real in zip(old, theirs, strict=True) if mine == line and line.strip()}
    return found.pop() if len(found) == 1 else None


def is_shifted(path: str, lines: Sequence[str], habit: Habit) -> bool:
    """Whether a new file's lines cannot be meant as they are: all begin with a blank, or tabs were lost on the way."""
    written = [line for line in lines if line.strip()]
    if len(written) > 1 and all(line.startswith(" ") for line in written):
        return True
    wants_tabs = habit.width is not None or _TABBED_FILES.fullmatch(path) is not None
    return wants_tabs and has_blanks(lines) and not has_tabs(lines)
