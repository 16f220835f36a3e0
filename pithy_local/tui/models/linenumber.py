"""The number of a line as somebody types it."""

from __future__ import annotations

_MOST_DIGITS = 18
"""More than any log has lines."""


def line_number(text: str, end: int) -> int | None:
    """`1200` or `1,200`; nothing at all and `$` are the last line, `end`. None for what is no number."""
    text = text.strip()
    if text in ("", "$"):
        return end
    digits = text.replace(",", "")
    return int(digits[:_MOST_DIGITS]) if digits.isascii() and digits.isdecimal() else None
