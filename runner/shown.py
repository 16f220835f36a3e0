"""Files that the model asks to see: their real contents, or what there is instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from runner.survey import SourceFile, Survey

_NEAREST = 5
"""Paths that are named for one that is not there."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a request is answered with. `notes`: one line for each path whose file is not in `files`."""

    files: tuple[SourceFile, ...]
    notes: tuple[str, ...]


def answer(view: Survey, wanted: tuple[str, ...], tokens: int) -> Shown:
    """The files of `wanted` that can be shown and are not yet, inside a budget of `tokens`."""
    files = view.unseen(wanted, tokens)
    given = {file.path for file in files}
    shown_before = {file.path for file in (*view.guides, *view.files)}
    notes = tuple(_why_not(view, path, shown_before) for path in wanted if path not in given)
    return Shown(files=files, notes=notes)


def _why_not(view: Survey, path: str, shown_before: set[str]) -> str:
    if path in shown_before:
        return f"{path} was shown to you before."
    if path in view.tracked:
        return f"{path} is too large to be shown: do not change it."
    near = list(_nearest(path, view.tracked))
    return f"{path} is not in the repository, or is no text." + (f" There is {', '.join(near)}." if near else "")


def _nearest(path: str, tracked: frozenset[str]) -> Iterator[str]:
    """Files of that name elsewhere, files of a folder of that name, else files with a name like it."""
    name = PurePosixPath(path).name.casefold()
    folder = f"{path.rstrip('/')}/"
    found = sorted(known for known in tracked if PurePosixPath(known).name.casefold() == name)
    found += sorted(known for known in tracked if known.startswith(folder))
    yield from (found or difflib.get_close_matches(path, tracked, n=_NEAREST))[:_NEAREST]
