"""What a placed hunk writes: context comes from the file, added lines get the file's line ends and indentation."""

from __future__ import annotations

from collections.abc import Sequence

from runner.patch import indent
from runner.patch.edit import Body
from runner.patch.indent import NO_HABIT, Habit, Rule
from runner.patch.levels import Level
from runner.patch.place import Edit, Place
from runner.patch.source import Source

_MARK = "\ufeff"


def edits(source: Source, place: Place, habit: Habit = NO_HABIT) -> list[Edit] | None:
    """The edits of `place`, in order; None where the indentation of its added lines is unclear.

    `habit` is what the answer's other hunks show; it decides where these old lines show nothing.
    """
    rule = rule_of(source, place, habit)
    if rule is None:
        return None
    found: list[Edit] = []
    cursor = place.positions[0] if place.positions else 0
    matched = 0
    start, fresh, changed = cursor, list[str](), False
    for tag, text in zip(place.body.tags, place.body.texts, strict=True):
        if tag == " ":
            if changed:
                found.append(_edit(source, place, start, cursor, fresh))
            cursor = place.positions[matched] + 1
            matched += 1
            start, fresh, changed = cursor, [], False
            continue
        if not changed and tag == "-":
            start = place.positions[matched]
        if tag == "-":
            cursor = place.positions[matched] + 1
            matched += 1
        else:
            fresh.append(_ended(source, place, matched, _indented(source, place, rule, text)))
        changed = True
    if changed:
        found.append(_edit(source, place, start, cursor, fresh))
    return found


def _edit(source: Source, place: Place, start: int, end: int, fresh: Sequence[str]) -> Edit:
    lines = list(fresh)
    if start == 0 and place.level >= Level.FOLD and lines and source.lines and source.lines[0].startswith(_MARK):
        lines[0] = _MARK + lines[0].removeprefix(_MARK)
        if end == 0:
            lines.append(source.lines[0].removeprefix(_MARK))
            end = 1
    said = place.body.bare_new if place.body.bare_new or place.body.bare_old else None
    return Edit(start=start, end=end, lines=tuple(lines), bare=said)


def rule_of(source: Source, place: Place, habit: Habit = NO_HABIT) -> Rule | None:
    """How the added lines of `place` are indented anew; None: unclear."""
    body = place.body
    added = [text for tag, text in zip(body.tags, body.texts, strict=True) if tag == "+"]
    if place.level == Level.WHITESPACE:
        theirs = [source.lines[at] for at in place.positions]
        deleted = [tag == "-" for tag in body.tags if tag in " -"]
        return indent.rule(body.old, theirs, deleted, added, source.has_inner_tabs)
    if habit.keeps_tabs or not _may_lack_tabs(source, body):
        return indent.SAME
    if habit.width is not None:
        return indent.tab_rule(habit.width, added, source.has_inner_tabs)
    return None if is_silent(source, place) and not source.has_blanks else indent.SAME


def is_silent(source: Source, place: Place) -> bool:
    """Whether blanks are added to a file with tabs, and no other line of the hunk shows if that is meant."""
    body = place.body
    shown = indent.has_tabs(body.texts) or indent.has_blanks(body.old)
    return place.level != Level.WHITESPACE and _may_lack_tabs(source, body) and not shown


def _may_lack_tabs(source: Source, body: Body) -> bool:
    changed_with_tabs = indent.has_tabs(body.changed)
    return source.has_tabs and indent.has_blanks(body.changed) and not changed_with_tabs


def _indented(source: Source, place: Place, rule: Rule, text: str) -> str:
    if place.level == Level.WHITESPACE:
        known = indent.known_line(text, place.body.old, [source.lines[at] for at in place.positions])
        if known is not None:
            return known
    return rule.change(text)


def _ended(source: Source, place: Place, matched: int, text: str) -> str:
    """An added line with or without a carriage return: as the answer has it if its old lines have theirs right.

    Else the line ends are the transport's, and the file's line beside it decides.
    """
    if place.level == Level.EXACT or not place.positions or _ends_agree(source, place):
        return text
    beside = place.positions[max(matched - 1, 0)]
    last = beside == len(source.lines) - 1 and source.bare
    theirs = source.carriage_returns if last else source.lines[beside].endswith("\r")
    return text.removesuffix("\r") + ("\r" if theirs else "")


def _ends_agree(source: Source, place: Place) -> bool:
    pairs = zip(place.body.old, place.positions, strict=True)
    return all(
        _returns(mine) == _returns(source.lines[at])
        for mine, at in pairs
        if at < len(source.lines) - 1 or not source.bare
    )


def _returns(line: str) -> bool:
    return line.rstrip(" \t").endswith("\r")
