"""Where a hunk goes in a file, and what it does there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.patch.edit import Body
from runner.patch.levels import Level


@dataclass(frozen=True, kw_only=True)
class Place:
    """One reading of a hunk at one place: `positions` are the indexes of the file's lines that are its old lines."""

    body: Body
    positions: Sequence[int]
    level: Level

    @property
    def start(self) -> int:
        """Index of the first old line."""
        return self.positions[0]

    @property
    def end(self) -> int:
        """Index after the last old line."""
        return self.positions[-1] + 1


@dataclass(frozen=True, kw_only=True)
class Edit:
    """The lines `start` up to, not including, `end` become `lines`. `bare`: what the hunk says about the file's end."""

    start: int
    end: int
    lines: tuple[str, ...]
    bare: bool | None = None
