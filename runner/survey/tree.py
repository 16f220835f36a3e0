"""The listing of a repository as text of bounded size."""

from __future__ import annotations

from collections import Counter

_DEEPEST = 8


def render(paths: tuple[str, ...], limit: int) -> str:
    """One path a line; where that exceeds `limit` bytes, deep folders become one line with their number of files."""
    lines = list(paths)
    for depth in range(_DEEPEST, 0, -1):
        if len("\n".join(lines).encode()) <= limit:
            break
        lines = _folded(paths, depth)
    return "\n".join(_cut(lines, limit))


def _folded(paths: tuple[str, ...], depth: int) -> list[str]:
    """Paths with at most `depth` folders before the name; what lies deeper is counted at its folder."""
    lines: Counter[str] = Counter()
    for path in paths:
        parts = path.split("/")
        lines[path if len(parts) <= depth else "/".join(parts[:depth]) + "/"] += 1
    return [f"{line} ({count} files)" if line.endswith("/") else line for line, count in lines.items()]


def _cut(lines: list[str], limit: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        limit -= len(line.encode()) + 1
        if limit < -1:  # the last line needs no line end
            return [*kept, f"… and {len(lines) - len(kept)} more"]
        kept.append(line)
    return kept
