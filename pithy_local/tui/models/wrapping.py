"""Long lines broken at the edge of the view, as a terminal does it, and which of them stand in view."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len, chop_cells
from rich.text import Text

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
