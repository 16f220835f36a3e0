"""When is a mutated answer's meaning still certain? An independent, slow and simple judge of that."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.patch.model import Diff, FileText, HunkText, Tree

_LIMIT = 3000


def is_unique(diff: Diff, before: Tree) -> bool:
    """Whether the hunks of every file go together in exactly one way, judged by their lines and order alone."""
    return all(placements(part, before[part.old]) == 1 for part in diff if part.hunks and part.old is not None)


def places(hunk: HunkText, text: str) -> list[int]:
    """Indexes of the file's lines at which the hunk's old side stands."""
    lines, old = text.split("\n"), hunk.old
    if not old:
        return list(range(len(lines)))
    return [at for at in range(len(lines) - len(old) + 1) if lines[at] == old[0] and lines[at : at + len(old)] == old]


def placements(part: FileText, text: str) -> int:
    """In how many ways the hunks can follow each other (counted up to a limit)."""
    choices = [places(hunk, text) for hunk in part.hunks]
    return sum(1 for _ in _ways(choices, [len(hunk.old) for hunk in part.hunks], 0))


def _ways(choices: list[list[int]], lengths: list[int], low: int) -> Iterator[None]:
    if not choices:
        yield None
        return
    tried = 0
    for at in choices[0]:
        if at >= low:
            for way in _ways(choices[1:], lengths[1:], at + lengths[0]):
                yield way
                tried += 1
                if tried > _LIMIT:
                    return
