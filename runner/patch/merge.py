"""The edits of all of a file's hunks as one list, or the hunk that does not go together with another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from runner.patch import rewrite
from runner.patch.indent import NO_HABIT, Habit
from runner.patch.levels import KEYS, Level
from runner.patch.order import Slot, Undecided
from runner.patch.place import Edit
from runner.patch.source import Source


@dataclass(frozen=True)
class _Owned:
    edit: Edit
    slot: Slot


def merged(slots: Sequence[Slot], source: Source, habit: Habit = NO_HABIT) -> list[Edit]:
    """All edits in the file's order. Raises Undecided: overlap, already_applied, indentation."""
    owned: list[_Owned] = []
    for slot in slots:
        edits = rewrite.edits(source, slot.place, habit)
        if edits is None:
            raise Undecided(slot, "indentation", "the file is indented by tabs, its added lines by blanks")
        for edit in edits:
            _refuse_repeated(slot, edit, source)
            owned.append(_Owned(edit, slot))
    owned.sort(key=lambda each: (each.edit.start, each.edit.end))
    for before, after in pairwise(owned):
        if after.edit.start < before.edit.end or (
            before.edit.start == before.edit.end == after.edit.start == after.edit.end
        ):
            raise _overlap(after.slot, before.slot)
    _refuse_lost_context(owned, slots)
    return [each.edit for each in owned]


def _refuse_lost_context(owned: Sequence[_Owned], slots: Sequence[Slot]) -> None:
    """A line that one hunk deletes cannot be another one's context."""
    if len(slots) < 2:
        return
    context = {
        at: slot
        for slot in slots
        for at, tag in zip(slot.place.positions, (tag for tag in slot.place.body.tags if tag in " -"), strict=True)
        if tag == " "
    }
    for each in owned:
        for at in range(each.edit.start, each.edit.end):
            if at in context and context[at] is not each.slot:
                raise _overlap(context[at], each.slot)


def _overlap(slot: Slot, other: Slot) -> Undecided:
    return Undecided(slot, "overlap", f"it changes lines that hunk {other.number} changes too")


def _refuse_repeated(slot: Slot, edit: Edit, source: Source) -> None:
    """Lines added at an end of the hunk, where nothing shows what follows, must not be there already."""
    if edit.start != edit.end or not any(line.strip() for line in edit.lines):
        return
    place, count = slot.place, len(edit.lines)
    key = KEYS[Level.TRAILING]
    wanted = [key(line) for line in edit.lines]
    keys = source.keys(Level.TRAILING)
    after = edit.start == place.end and keys[edit.end : edit.end + count] == wanted
    before = edit.start == place.start and keys[max(edit.start - count, 0) : edit.start] == wanted
    if after or before:
        raise Undecided(slot, "already_applied", "the lines to add stand there already")
