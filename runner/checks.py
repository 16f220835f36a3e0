"""Checks for decoded JSON: each takes a value and returns it as its field wants it, or raises ValueError saying why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], Any]


def text(pattern: str = r"[\s\S]*") -> Check:
    """A string that `pattern` matches whole."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            raise ValueError("not a text of the form wanted")
        return value

    return check


def whole(least: int | None = None) -> Check:
    """A whole number, `least` or more."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or (least is not None and value < least):
            raise ValueError("not a whole number" + ("" if least is None else f" from {least} on"))
        return value

    return check


def number(*, positive: bool = False) -> Check:
    """A finite number."""

    def check(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise ValueError("not a number")
        if positive and value <= 0:
            raise ValueError("not above 0")
        return float(value)

    return check


def optional(check: Check) -> Check:
    """None, or what `check` takes."""
    return lambda value: None if value is None else check(value)


def each(check: Check) -> Check:
    """A list of what `check` takes, as a tuple."""

    def check_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("not a list")
        return tuple(check(item) for item in value)

    return check_all


def record(make: Callable[..., Any], **fields: Check) -> Check:
    """An object with exactly the keys `fields`, as `make` builds it from them."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("not an object")
        if wrong := sorted(fields.keys() ^ value.keys()):
            raise ValueError(f"keys missing or unknown: {', '.join(wrong)}")
        return make(**{name: within(name, field, value[name]) for name, field in fields.items()})

    return check


def within(name: str, check: Check, value: Any) -> Any:
    """`check(value)`, its complaint preceded by the key's name."""
    try:
        return check(value)
    except ValueError as error:
        raise ValueError(f"{name!r}: {error}") from None
