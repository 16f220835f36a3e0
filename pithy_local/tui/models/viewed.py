"""Which files of which diffs the user has done with: they stay so as long as their part of the diff is the same."""

from __future__ import annotations

from pithy_local.tui.models.diffs import Diff


class Viewed:
    """By task: the paths that were viewed, and what was seen there (a hash)."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, int]] = {}

    def of(self, task: str, diff: Diff) -> set[int]:
        """The indices of the files of this diff that are as they were when they were viewed."""
        known, files = self._seen.get(task, {}), enumerate(diff.files)
        return {index for index, file in files if file.path in known and known[file.path] == _seen(diff, index)}

    def note(self, task: str, diff: Diff, index: int, *, viewed: bool) -> None:
        """This file was viewed, or it was not after all."""
        known, path = self._seen.setdefault(task, {}), diff.files[index].path
        if viewed:
            known[path] = _seen(diff, index)
        else:
            known.pop(path, None)


def _seen(diff: Diff, index: int) -> int:
    """Tells whether a file's part of the diff is another one now."""
    file = diff.files[index]
    return hash(diff.part(file.first, file.last))
