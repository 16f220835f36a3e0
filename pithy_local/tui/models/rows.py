"""Lines of a page that know how far their second and later lines are indented when they are too long for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

LEAST = 12
"""Columns that a line has left beside its indentation, at least."""


@dataclass(frozen=True)
class Row:
    """One line of safe text; below its first `hang` characters, none of which is wide, nothing stands."""

    text: Text
    hang: int = 0


def of(text: Text) -> tuple[Row, ...]:
    """The lines of a text, each hanging as far as it is indented."""
    return tuple(Row(line, _indent(line.plain)) for line in text.split("\n", allow_blank=True))


def plain(rows: Iterable[Row]) -> str:
    """The text alone."""
    return "\n".join(row.text.plain for row in rows)


def wrapped(rows: Iterable[Row], width: int, console: Console) -> Text:
    """All of them as one text of at most `width` columns."""
    return Text("\n", end="").join(line for row in rows for line in _lines(row, width, console))


def _lines(row: Row, width: int, console: Console) -> Iterable[Text]:
    if row.text.cell_len <= width:
        return [row.text]
    hang = max(0, min(row.hang, width - LEAST))
    start, rest = row.text.divide([hang])
    first, *others = rest.wrap(console, width - hang, no_wrap=False, overflow="fold")
    return [start + first, *(Text(" " * hang) + other for other in others)]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
