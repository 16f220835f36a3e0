"""stdout: aligned tables with glyph, word and colour on a terminal; TSV without header in a pipe; JSON when asked.

Everything that came from a task, a log or a repository is made safe here, at the border to the terminal.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pithy_local.models import Status
from pithy_local.text import safe, safe_block, safe_line

GLYPHS = {
    Status.QUEUED: ("○", "37"),
    Status.RUNNING: ("●", "36"),
    Status.COMPLETED: ("✓", "32"),
    Status.FAILED: ("✗", "31"),
    Status.NEEDS_REVIEW: ("◆", "33"),
    Status.NEEDS_CLARIFICATION: ("?", "33"),
    Status.CANCELLED: ("⊘", "90"),
}
"""Per status: a glyph and an SGR colour; the word always stands beside them."""
NARROWEST = 5
"""Columns that are left to a cell however narrow the terminal is."""


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Where stdout goes: a terminal or not, in colour or not, how wide in columns."""

    tty: bool
    colour: bool
    width: int

    @classmethod
    def current(cls, env: Mapping[str, str] | None = None) -> Screen:
        env = os.environ if env is None else env
        tty = sys.stdout.isatty()
        colour = tty and not env.get("NO_COLOR") and env.get("TERM", "dumb") != "dumb"
        return cls(tty=tty, colour=colour, width=shutil.get_terminal_size().columns)

    def paint(self, text: str, sgr: str) -> str:
        """`text` in a colour, where there is colour."""
        return f"\x1b[{sgr}m{text}\x1b[0m" if self.colour and sgr else text


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table: text that is made safe when it is shown, and a colour."""

    text: str
    sgr: str = ""


Row = Sequence[Cell | str]


def out(text: str) -> None:
    """One line of data on stdout."""
    sys.stdout.write(text + "\n")


def out_bytes(data: bytes) -> None:
    """Data on stdout as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def out_json(value: Any, screen: Screen | None = None) -> None:
    """One JSON value: indented for people, one line for programs. ASCII alone: no terminal obeys any of it."""
    tty = (screen or Screen.current()).tty
    out(json.dumps(value, indent=2 if tty else None))


def tsv(values: Iterable[object]) -> str:
    """One record in one line; None is an empty field."""
    return "\t".join("" if value is None else safe_line(str(value)) for value in values)


def table(header: Sequence[str], rows: Sequence[Row], screen: Screen, *, flexible: Collection[int]) -> str:
    """An aligned table for a terminal. When that is narrow the columns `flexible` give way, the widest first."""
    cells = [[cell if isinstance(cell, Cell) else Cell(text=cell) for cell in row] for row in rows]
    plain = [[safe_line(cell.text) for cell in row] for row in cells]
    widths = [max(map(cell_width, column)) for column in zip(header, *plain, strict=True)]
    for _ in range(sum(widths) + 2 * (len(widths) - 1) - screen.width):
        widest = max(flexible, key=widths.__getitem__)
        widths[widest] = max(NARROWEST, widths[widest] - 1)
    lines = [_line([(screen.paint(_fit(name, width), "2")) for name, width in zip(header, widths, strict=True)])]
    for row, texts in zip(cells, plain, strict=True):
        fitted = (_fit(text, width) for text, width in zip(texts, widths, strict=True))
        lines.append(_line([screen.paint(text, cell.sgr) for text, cell in zip(fitted, row, strict=True)]))
    return "\n".join(lines)


def fields(pairs: Iterable[tuple[str, str]], screen: Screen) -> str:
    """Names and values, one pair a line, the values aligned; pairs without a value are left out."""
    shown = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"{screen.paint(name.ljust(width), '2')}  {value}" for name, value in shown)


def status_cell(status: Status, where: str = "") -> Cell:
    """Glyph, word and colour of a status; of a running task also where it is."""
    glyph, sgr = GLYPHS[status]
    return Cell(text=f"{glyph} {status.value} {where}".rstrip(), sgr=sgr)


def paint_cell(cell: Cell, screen: Screen) -> str:
    return screen.paint(safe(cell.text), cell.sgr)


def span(milliseconds: int) -> str:
    """A duration in at most two units: `4.2s`, `3m12s`, `1h05m`."""
    if milliseconds < 10_000:
        return f"{milliseconds / 1000:.1f}s"
    seconds = milliseconds // 1000
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3_600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    return f"{seconds // 3_600}h{seconds % 3_600 // 60:02d}m"


def number_of(number: int, what: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def money(usd: float) -> str:
    """`$12.50`; below a dollar `$0.0042`. What is not free never looks so."""
    if 0 < usd < 0.00005:
        return "<$0.0001"
    return f"${usd:,.2f}" if usd >= 1 else f"${usd:.4f}"


def size(number: int) -> str:
    """Bytes for people: `512 B`, `1.2 kB`, `3.4 MB`, `1.1 GB`."""
    if number < 1_000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} GB"


def cell_width(text: str) -> int:
    """How many columns a terminal gives `text`."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):  # marks, joiners, variation selectors
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _fit(text: str, width: int) -> str:
    """`text` in exactly `width` columns, cut with an ellipsis or filled with spaces."""
    missing = width - cell_width(text)
    if missing >= 0:
        return text + " " * missing
    kept, used = "", 0
    for char in text:
        if used + _char_width(char) > width - 1:
            break
        kept, used = kept + char, used + _char_width(char)
    return kept + "…" + " " * (width - 1 - used)


def _line(cells: Sequence[str]) -> str:
    return "  ".join(cells).rstrip()


def safe_text(text: str) -> str:
    """Lines made safe, without a final newline: `out` adds it."""
    return safe_block(text.removesuffix("\n"))
