"""Blocks of code beside the changes: quotations change nothing, files that are not there yet are made.

What is neither is a change that the answer left out of its diff: then the answer is refused, not half of it applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runner.patch import whole
from runner.patch.edit import Aside, FileEdit
from runner.patch.levels import Level
from runner.patch.prose import is_elision
from runner.patch.refusal import Problem
from runner.patch.source import Source
from runner.patch.tree import WorkTree


def new_files(asides: Sequence[Aside], edits: Sequence[FileEdit], tree: WorkTree) -> list[FileEdit]:
    """The asides that are files in a folder which nothing else in the answer speaks of, and which are not there."""
    known = {name for edit in edits for name in (*(edit.old or ()), *(edit.new or ()))}
    names = [aside.name for aside in asides]
    return [
        whole.edit(aside.name, list(aside.lines))
        for aside in asides
        if aside.name is not None and "/" in aside.name and aside.name not in known and names.count(aside.name) == 1
        if tree.existing((aside.name,)) is None
    ]


def problems(asides: Iterable[Aside], sources: Sequence[Source], tree: WorkTree) -> Iterator[Problem]:
    """What is wrong with those of the asides that are no quotation of `sources` or, where they name a file, of that.

    Raises Stop: unsafe_path, not_text, too_large.
    """
    for aside in asides:
        own = [tree.source(aside.name)] if aside.name and tree.existing((aside.name,)) else []
        if any(_quotes(aside.lines, source) for source in (*own, *sources)):
            continue
        text = "a block of code names no file: put its path on the line before"
        if aside.name is not None:
            text = f"{aside.name} stands in a block of its own beside the diff: put its change into the diff too"
        yield Problem(reason="malformed", text=text, path=aside.name)


def _quotes(lines: Sequence[str], source: Source) -> bool:
    """Whether all of the lines are in `source`, one after the other but for elisions."""
    run: list[str] = []
    for line in (*lines, "..."):
        if not is_elision(line):
            run.append(line)
            continue
        written = [at for at, text in enumerate(run) if text.strip()]
        if written and not source.find(run[written[0] : written[-1] + 1], Level.WHITESPACE, 1):
            return False
        run = []
    return True
