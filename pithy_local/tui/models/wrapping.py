"""Long lines broken between words, or at the edge of the view as a terminal does it, and which of them are in view."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.cells import cell_len, chop_cells
from rich.text import Text

LEAST = 12
"""Columns that a text has beside its indentation, at least."""
Place = tuple[int, int]
"""A row and which of its parts (from 0)."""


def parts(text: Text, width: int, most: int) -> list[Text]:
    """The text in at least one and at most `most` pieces of `width` columns: the last one has all the rest."""
    plain = text.plain
    if width < 1 or cell_len(plain) <= width:
        return [text]
    ends, at = [], 0
    for piece in chop_cells(plain, width)[: most - 1]:
        at += len(piece)
        ends.append(at)
    return list(text.divide([end for end in ends if end < len(plain)]))


def between_words(plain: str, width: int) -> Iterator[tuple[int, int]]:
    """Where each piece of the text begins and ends (in characters) that takes at most `width` columns: after a space
    where it has one. Spaces that do not fit are in no piece. Below the text's `indent` nothing stands."""
    hang, at = indent(plain, width), 0
    while at < len(plain) or not at:
        room = max(1, width - (hang if at else 0))
        fits = chop_cells(plain[at : at + 2 * room], room)  # more would be work in vain, and in short text it is all
        end = at + max(1, len(fits[0]) if fits else 2 * room)
        if end < len(plain) and plain[end] != " ":
            space = plain.rfind(" ", at + (0 if at else hang), end)
            end = space + 1 if space > at else end
        yield at, min(end, len(plain))
        at = end + (plain[end : end + 1] == " ")


def indent(plain: str, width: int) -> int:
    """How far the text is indented: where there is room beside it for `LEAST` columns."""
    return max(0, min(len(plain) - len(plain.lstrip(" ")), width - LEAST))


def place_from(top: int, rows: int, height: int, parts_of: Callable[[int], int]) -> list[Place]:
    """What stands in a view of `height` lines whose first row is `top`."""
    placed: list[Place] = []
    row = top
    while row < rows and len(placed) < height:
        placed += [(row, part) for part in range(parts_of(row))]
        row += 1
    return placed[:height]


def place_up_to(last: int, height: int, parts_of: Callable[[int], int]) -> list[Place]:
    """What stands in a view of `height` lines whose last line is the end of row `last`."""
    placed: list[Place] = []
    row = last
    while row >= 0 and len(placed) < height:
        placed = [(row, part) for part in range(parts_of(row))] + placed
        row -= 1
    return placed[-height:] if height else []
