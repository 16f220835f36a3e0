"""What a file's hunks make of its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runner.patch import diagnose, indent, order, rewrite, whole
from runner.patch.edit import Body, FileEdit, Hunk, Whole
from runner.patch.indent import NO_HABIT, Habit
from runner.patch.levels import Level
from runner.patch.locate import Found, locate
from runner.patch.merge import merged
from runner.patch.order import Slot, Undecided
from runner.patch.place import Edit
from runner.patch.prose import placeholder
from runner.patch.refusal import Problem, Stop, stop
from runner.patch.source import Source

_DIAGNOSED = 6


@dataclass(frozen=True, kw_only=True)
class HunkReport:
    """Where a hunk went: `line` (from 1) of `path`, and the level that was needed to find it there.

    `width`: the answer has that many blanks where the file has a tab; `silent`: it may, and this hunk does not show it.
    """

    path: str
    hunk: int
    line: int
    level: Level
    width: int | None = None
    silent: bool = False

    @property
    def mended(self) -> bool:
        """Whether a reviewer should look: more was forgiven than typography."""
        return self.level > Level.FOLD


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A file's new text."""

    source: Source
    reports: tuple[HunkReport, ...] = ()


def rewritten(edit: FileEdit, source: Source, path: str, habit: Habit = NO_HABIT) -> Rewritten:
    """The text of `path` after the hunks of `edit`. Raises Stop with a problem for each hunk that has no place."""
    try:
        return _at_once(edit.hunks, source, path, habit, ordered=edit.kind == "diff")
    except Stop as error:
        if edit.kind == "diff" or len(edit.hunks) < 2:
            raise
        return _in_turn(edit.hunks, source, path, habit, error)


def fresh(edit: FileEdit, path: str, habit: Habit = NO_HABIT) -> Source:
    """The text of a file that `edit` makes. Raises Stop: malformed, ambiguous, placeholder, indentation."""
    if not edit.hunks:
        return Source((), False)
    if len(edit.hunks) > 1:
        raise stop("malformed", f"{path} is a new file and has several hunks; send one with all its lines", path)
    bodies = next((kept for group in edit.hunks[0].readings if (kept := [b for b in group if b.adds_only])), [])
    texts = {body.texts for body in bodies}
    if len(texts) != 1:
        raise stop("ambiguous", f"{path} is a new file; it is unclear where its lines end", path)
    _refuse_placeholders(path, bodies[0], frozenset())
    if indent.is_shifted(path, bodies[0].texts, habit):
        raise stop("indentation", f"{path}: its lines have other indentation than they should", path)
    return Source(bodies[0].texts, bodies[0].bare_new)


def replaced(edit: FileEdit, source: Source | None, path: str) -> Source:
    """The text of a file whose whole content `edit` has. Raises Stop: not_whole, placeholder."""
    new = edit.whole or Whole(lines=())
    known = frozenset() if source is None else frozenset(line.strip() for line in source.lines)
    _refuse_placeholders(path, Body(tags="+" * len(new.lines), texts=new.lines), known)
    if source is None:
        return Source(new.lines, False)
    if not (edit.afresh or whole.is_whole(source, new.lines)):
        text = f"{path}: this is an excerpt, not the whole file; send a diff, or all of its lines"
        raise stop("not_whole", text, path)
    return whole.in_place_of(source, new.lines)


def _at_once(hunks: Sequence[Hunk], source: Source, path: str, habit: Habit, *, ordered: bool) -> Rewritten:
    found = [locate(hunk, source) for hunk in hunks]
    problems = list(_unplaced(hunks, found, source, path))
    if problems:
        raise Stop(*problems, matched=len(hunks) - len(problems))
    try:
        slots = order.choose(hunks, found, source, ordered=ordered)
        edits = merged(slots, source, habit)
    except Undecided as error:
        raise Stop(diagnose.undecided(path, error, len(hunks), source), matched=len(hunks) - 1) from error
    known = frozenset(line.strip() for line in source.lines)
    for slot in slots:
        _refuse_placeholders(path, slot.place.body, known, slot.number)
        if slot.hunk.suspect and slot.place.end < len(source.lines):
            text = "the answer ends in this hunk, before the lines that its header counts"
            raise Stop(diagnose.of_slot(path, slot, len(hunks), "truncated", text, source))
    after = Source(order.apply(source, edits), _is_bare(source, edits))
    return Rewritten(source=after, reports=tuple(_report(path, slot, source) for slot in slots))


def _in_turn(hunks: Sequence[Hunk], source: Source, path: str, habit: Habit, first: Stop) -> Rewritten:
    """Each hunk on the text that the one before left: later blocks may build on earlier ones."""
    reports: list[HunkReport] = []
    for hunk in hunks:
        try:
            step = _at_once([hunk], source, path, habit, ordered=False)
        except Stop as error:
            raise first from error
        source = step.source
        reports += [replace(each, hunk=len(reports) + 1) for each in step.reports]
    return Rewritten(source=source, reports=tuple(reports))


def _unplaced(hunks: Sequence[Hunk], found: Sequence[Found], source: Source, path: str) -> Iterator[Problem]:
    told = 0
    for number, (hunk, places) in enumerate(zip(hunks, found, strict=True), 1):
        if places.places:
            continue
        told += 1
        if told > _DIAGNOSED:
            yield Problem(
                reason="not_found", text="its lines are not in the file", path=path, hunk=number, hunks=len(hunks)
            )
        elif places.unclear:
            yield diagnose.indentation(path, hunk, number, len(hunks), source)
        else:
            yield diagnose.missing(path, hunk, number, len(hunks), source)


def _is_bare(source: Source, edits: Sequence[Edit]) -> bool:
    """Whether the new text lacks a newline at its end: as before, unless its last line is itself replaced."""
    last = edits[-1] if edits else None
    if last is None or last.end < len(source.lines):
        return source.bare
    if not last.lines:
        return False
    return source.bare if last.bare is None else last.bare


def _refuse_placeholders(path: str, body: Body, known: frozenset[str], number: int | None = None) -> None:
    added: list[str] = []
    before: list[str] = []
    previous = ""
    for tag, text in zip(body.tags, body.texts, strict=True):
        if tag == "+":
            added.append(text)
            before.append(previous)
        if tag in " +" and text.strip():
            previous = text
    line = placeholder(path, added, before, known)
    if line is not None:
        text = f"this added line stands for code that is not written out: {line.strip()[:120]!r}; write all of it"
        raise Stop(Problem(reason="placeholder", text=text, path=path, hunk=number, hunks=0))


def _report(path: str, slot: Slot, source: Source) -> HunkReport:
    rule = rewrite.rule_of(source, slot.place) if slot.place.level == Level.WHITESPACE else None
    return HunkReport(
        path=path, hunk=slot.number, line=slot.place.start + 1, level=slot.place.level,
        width=rule.width if rule else None, silent=rewrite.is_silent(source, slot.place),
    )  # fmt: skip
