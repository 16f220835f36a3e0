"""A log line with all its characters, laid out once for a width; how a row looks is worked out when it is drawn."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from rich.text import Text

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.text import last_segment, safe_block
from pithy_local.tui import look
from pithy_local.tui.models import wrapping

_WHO = {"out": "standard output", "err": "standard error", "sys": "the host"}
_HEAD = 2
"""Lines before those of the text: when and who, and an empty one."""
Row = tuple[int, int, int]
"""A line, and where in that a row of it begins and ends."""


class WholeLine:
    """When, who and what; JSON laid out, progress bars as they were last, `needle` marked."""

    def __init__(self, line: LogLine, needle: Needle | None = None) -> None:
        about = f"{datetime.fromtimestamp(line.at / 1000):%Y-%m-%d %H:%M:%S} · attempt {line.attempt}"
        text = look.steady(safe_block(_readable(last_segment(line.text))))
        self._lines = [f"{about} · {_WHO[line.stream.value]}", "", *text.split("\n")]
        self._needle = needle
        self._width = 0
        self._rows: Sequence[Row] = ()
        self._laid_out = lru_cache(1)(self._lay_out)

    def __len__(self) -> int:
        return len(self._rows)

    def fit(self, width: int) -> None:
        """Lay it out in rows of so many columns; it costs nothing where it is so already."""
        self._width, self._rows = width, self._laid_out(width)

    def _lay_out(self, width: int) -> list[Row]:
        lines = enumerate(self._lines)
        return [(number, *piece) for number, line in lines for piece in wrapping.between_words(line, width)]

    def row(self, row: int) -> Text:
        """One row as it looks."""
        number, start, end = self._rows[row]
        line = self._lines[number]
        if number < _HEAD:
            return look.piece(line[start:end], look.MUTED)
        before = " " * wrapping.indent(line, self._width) if start else ""
        shown = look.piece(before + line[start:end])
        if self._needle is not None:
            reach = len(self._needle.text) - 1  # a match may begin in the row before, or end in the next
            low = max(0, start - reach)
            for begin, stop in self._needle.spots(line[low : end + reach]):
                left, right = max(low + begin, start), min(low + stop, end)
                if left < right:
                    shown.stylize(look.MATCH, len(before) + left - start, len(before) + right - start)
        return shown

    def first_match(self) -> int | None:
        """The row in which the first match begins."""
        for number, line in enumerate(self._lines[_HEAD:], _HEAD):
            for begin, _ in self._needle.spots(line) if self._needle is not None else ():
                return bisect_right(self._rows, (number, begin, len(line) + 1)) - 1
        return None


def _readable(text: str) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
