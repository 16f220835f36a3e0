"""The map: what the files that matter but are not shown define, as their own signatures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runner.survey.tags import Tags

_MOST_OF_A_FILE = 15


def render(paths: Iterable[str], tags: Mapping[str, Tags], limit: int) -> str:
    """One file after the other in the order of `paths`, while they fit into `limit` bytes: its path, then the
    signatures of its outermost definitions with their line numbers."""
    parts: list[str] = []
    for path in paths:
        found = tags.get(path)
        if found is None or not found.definitions:
            continue
        part = "\n".join([path, *_signatures(found)])
        limit -= len(part.encode()) + 1
        if limit < 0:
            break
        parts.append(part)
    return "\n".join(parts)


def _signatures(found: Tags) -> list[str]:
    """The outermost definitions, then the next inner ones, as many as there is room for, in the file's order."""
    by_depth = sorted(found.definitions, key=lambda item: (_indentation(item.signature), item.line))
    kept = sorted(by_depth[:_MOST_OF_A_FILE], key=lambda item: item.line)
    left_out = len(found.definitions) - len(kept)
    lines = [f"{item.line:>5}  {item.signature}" for item in kept]
    return [*lines, f"       … and {left_out} more"] if left_out else lines


def _indentation(signature: str) -> int:
    return len(signature) - len(signature.lstrip())
