"""One place for each hunk of a file, or a refusal: never the nearest one, never a guess.

A choice among several places is made only by: the stated line is itself one of them; the hunk's heading is a line of
the file and only one place follows it; the other hunks' order leaves one; the stated line is off by three at most and
every other place is forty away. Places that come to the same text are one place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.patch import headings, rewrite
from runner.patch.edit import Hunk
from runner.patch.levels import Level
from runner.patch.locate import Found, stated
from runner.patch.place import Edit, Place
from runner.patch.refusal import Reason
from runner.patch.source import Source

_NEAR = 3
_FAR = 40
_COMPARED = 8


@dataclass(kw_only=True)
class Slot:
    """A hunk on its way to a place; `number` counts from 1 within the file. `is_stated`: it fits where it says."""

    hunk: Hunk
    number: int
    places: list[Place]
    is_stated: bool = False

    @property
    def place(self) -> Place:
        """The place, once there is one."""
        return self.places[0]


class Undecided(Exception):
    """The hunk of `slot` cannot be placed, for `reason`."""

    def __init__(self, slot: Slot, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.slot = slot
        self.reason: Reason = reason
        self.text = text


def choose(hunks: Sequence[Hunk], found: Sequence[Found], source: Source, *, ordered: bool) -> list[Slot]:
    """The hunks with one place each, in the file's order; a hunk sent twice is there once.

    `ordered`: the hunks follow each other in the file. Raises Undecided: ambiguous, overlap, conflicting_drafts.
    """
    slots = [
        Slot(hunk=hunk, number=number, places=places.places, is_stated=bool(stated(hunk, places.places)))
        for number, (hunk, places) in enumerate(zip(hunks, found, strict=True), 1)
    ]
    for slot, places in zip(slots, found, strict=True):
        if places.rival:
            raise Undecided(slot, "ambiguous", "the hunk fits here, and but for whitespace at the line it states")
    for slot in slots:
        _refuse_contradiction(slot, source)
    slots = _without_repeats(slots)
    if not _all_stated(slots):
        slots = _decided(slots, source) if ordered else _each_alone(slots, source)
    return sorted(slots, key=lambda slot: (slot.place.start, slot.place.end))


def _refuse_contradiction(slot: Slot, source: Source) -> None:
    """A hunk without a line number is where its heading says, or it is not known where it is meant to be."""
    if slot.hunk.line is not None:
        return
    for heading in slot.hunk.headings:
        found = source.find([heading], Level.WHITESPACE, 2)
        if len(found) == 1 and not any(headings.agrees(place, found[0], source) for place in slot.places):
            told = f"its lines are not below {heading[:120]!r}, line {found[0] + 1}, which its header names"
            raise Undecided(slot, "ambiguous", told)


def _all_stated(slots: list[Slot]) -> bool:
    """Put every hunk where it says, if all of them fit there: what git would do."""
    chosen = [stated(slot.hunk, slot.places) for slot in slots]
    lines = {slot.hunk.line for slot in slots}
    if len(lines) < len(slots) or any(len(places) != 1 for places in chosen):
        return False
    for slot, places in zip(slots, chosen, strict=True):
        slot.places = places
    return True


def _without_repeats(slots: list[Slot]) -> list[Slot]:
    """Each hunk once. Raises Undecided where a repeated one fits twice, or where two want different new lines."""
    kept: list[Slot] = []
    same_old: dict[tuple[str, ...], list[Slot]] = defaultdict(list)
    for slot in slots:
        earlier = same_old[slot.hunk.first.old]
        if not any(_repeats(slot, other) for other in earlier):
            earlier.append(slot)
            kept.append(slot)
    return kept


def _repeats(slot: Slot, other: Slot) -> bool:
    """Whether `slot` says the same again as `other`, which has the same old lines.

    Equal blocks of a file may be changed by hunks of their own: then each has its line, or comes in its turn.
    """
    mine, theirs = slot.hunk, other.hunk
    own_lines = mine.line != theirs.line and slot.is_stated and other.is_stated
    in_turn = mine.draft == theirs.draft and (
        mine.line is None or mine.line != theirs.line or mine.headings != theirs.headings
    )
    if own_lines or (in_turn and not (mine.line is None and len(slot.places) == 1)):
        return False
    if mine.first.new != theirs.first.new:
        raise Undecided(slot, "conflicting_drafts", f"hunk {other.number} changes the same lines in another way")
    if len(slot.places) > 1:
        raise Undecided(slot, "ambiguous", f"hunk {other.number} is the same, and there are several places for it")
    return True


def _decided(slots: list[Slot], source: Source) -> list[Slot]:
    """The slots in the order they have, or in that of the lines they state, each with one place."""
    by_line = sorted(slots, key=lambda slot: slot.hunk.line or 0)
    numbered = all(slot.hunk.line is not None for slot in slots)
    arrangements = [slots, by_line] if numbered and by_line != slots else [slots]
    for overlapping in (False, True):
        for arrangement in arrangements:
            kept = _pruned([slot.places for slot in arrangement], overlapping=overlapping)
            if kept is not None:
                for slot, places in zip(arrangement, kept, strict=True):
                    slot.places = places
                _narrow(arrangement, source, overlapping=overlapping)
                return arrangement
    return _each_alone(slots, source)


def _each_alone(slots: list[Slot], source: Source) -> list[Slot]:
    """Every slot where it fits, whatever the order."""
    for slot in slots:
        slot.places = stated(slot.hunk, slot.places) or slot.places
        if len(slot.places) > 1 and not _same_result([slot], source):
            raise _ambiguous(slot)
    return slots


def _pruned(choices: list[list[Place]], *, overlapping: bool) -> list[list[Place]] | None:
    """Each list without the places that leave no room for the hunks before or after; None if nothing is left.

    Hunks follow each other without a common line. `overlapping`: they may share lines, and only begin in order.
    """
    low = -1
    forward: list[list[Place]] = []
    for places in choices:
        kept = [place for place in places if place.start >= low]
        if not kept:
            return None
        forward.append(kept)
        low = min(place.start + 1 if overlapping else place.end for place in kept)
    high: int | None = None
    result: list[list[Place]] = []
    for places in reversed(forward):
        kept = [place for place in places if high is None or (place.start if overlapping else place.end) <= high]
        if not kept:
            return None
        result.append(kept)
        high = max(place.start - 1 if overlapping else place.start for place in kept)
    return result[::-1]


def _narrow(slots: list[Slot], source: Source, *, overlapping: bool) -> None:
    """Leave one place to each slot. Raises Undecided(ambiguous)."""
    rules: list[Callable[[Slot], list[Place]]] = [
        lambda slot: _by_line(slot, slots, source),
        lambda slot: _by_heading(slot, source),
        lambda slot: _by_nearness(slot, slots),
    ]
    for rule in rules:
        for slot in slots:
            if len(slot.places) > 1:
                slot.places = rule(slot) or slot.places
        kept = _pruned([slot.places for slot in slots], overlapping=overlapping)
        if kept is None:
            raise _ambiguous(next((slot for slot in slots if len(slot.places) > 1), slots[0]))
        for slot, places in zip(slots, kept, strict=True):
            slot.places = places
    open_slots = [slot for slot in slots if len(slot.places) > 1]
    if open_slots and not _same_result(slots, source):
        raise _ambiguous(open_slots[0])
    for slot in slots:
        del slot.places[1:]


def _by_line(slot: Slot, slots: list[Slot], source: Source) -> list[Place]:
    """The places at the line that the hunk states, if its numbers are to be believed."""
    found = stated(slot.hunk, slot.places)
    if not found or not _credible(slots, 0):
        return []
    headed = _by_heading(slot, source)
    return found if not headed or headed == found else []


def _by_heading(slot: Slot, source: Source) -> list[Place]:
    """The places in the block that the hunk's heading opens, if there is one such place."""
    if not slot.hunk.headings:
        return []
    at = -1
    for heading in slot.hunk.headings:
        found = [line for line in headings.lines_like(heading, source) if line > at]
        if len(found) != 1:
            return []
        at = found[0]
    inside = [place for place in slot.places if headings.is_in_block(source, at, place.start)]
    return inside if len({place.start for place in inside}) == 1 else []


def _by_nearness(slot: Slot, slots: list[Slot]) -> list[Place]:
    """The place at most three lines from the stated one, if every other is forty away."""
    if slot.hunk.line is None or not _credible(slots, _NEAR):
        return []
    line = slot.hunk.line - 1
    nearest = min(slot.places, key=lambda place: abs(place.start - line))
    others = [abs(place.start - line) for place in slot.places if place.start != nearest.start]
    return [nearest] if abs(nearest.start - line) <= _NEAR and all(off >= _FAR for off in others) else []


def _credible(slots: list[Slot], tolerance: int) -> bool:
    """Whether the numbers mean something: no two hunks state the same line, and those in place are where they say."""
    lines = [slot.hunk.line for slot in slots if slot.hunk.line is not None]
    placed = [slot for slot in slots if len(slot.places) == 1 and slot.hunk.line is not None]
    return len(set(lines)) == len(lines) and all(
        abs(slot.place.start + 1 - (slot.hunk.line or 0)) <= tolerance for slot in placed
    )


def _same_result(slots: list[Slot], source: Source) -> bool:
    """Whether it makes no difference which of the left places each hunk gets."""
    for slot in slots:
        if len(slot.places) > _COMPARED:
            return False
        results = {_result(source, place) for place in slot.places}
        if len(results) != 1 or None in results:
            return False
    return True


def _result(source: Source, place: Place) -> tuple[str, ...] | None:
    edits = rewrite.edits(source, place)
    return None if edits is None else tuple(apply(source, edits))


def apply(source: Source, edits: Sequence[Edit]) -> list[str]:
    """The file's lines after edits that are in order and do not overlap."""
    lines: list[str] = []
    at = 0
    for edit in edits:
        lines += source.lines[at : edit.start]
        lines += edit.lines
        at = edit.end
    return lines + list(source.lines[at:])


def _ambiguous(slot: Slot) -> Undecided:
    lines = len({place.start for place in slot.places})
    where = f"{lines} places" if lines > 1 else "one place in several readings"
    return Undecided(slot, "ambiguous", f"the hunk fits in {where}; give more context lines, or right line numbers")
