"""Durations and sizes as users write them."""

from __future__ import annotations

import re


def seconds(duration: str) -> float:
    """`"10m"` → 600.0."""
    number, unit = re.fullmatch(r"([\d.]+)(ms|s|m|h|d)", duration).groups()  # type: ignore[union-attr]  # Duration's pattern
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}[unit]


def parse_duration(text: str) -> float | None:
    """Seconds, from `"90s"`, `"10m"` or a plain number of seconds; None for anything else."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    return seconds(text) if re.fullmatch(r"\d+(\.\d+)?(ms|s|m|h|d)", text) else None


def size_bytes(size: str) -> int:
    """`"4g"` → 4 GiB in bytes."""
    return int(size[:-1]) << {"k": 10, "m": 20, "g": 30}[size[-1]]
