"""One survey, judged: which named files it offers, its time and tokens, and what should not have been offered."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.survey.tasks import Task
from runner import survey

_NOISE = re.compile(r"(?:^|/)(?:node_modules|vendor|dist|site-packages)/|\.min\.|\.map$|[.-]lock\b")
_LONG_LINES = 500
"""Bytes of an average line above which text was not written by a person."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """`shown`: whole in the prompt. `mapped`: not shown, but named in it, so that the model may ask for them."""

    named: tuple[str, ...]
    shown: frozenset[str]
    mapped: frozenset[str]
    noise: tuple[str, ...]
    tokens: int
    seconds: float

    @property
    def found(self) -> int:
        """How many of the named files are shown."""
        return len(self.shown.intersection(self.named))

    @property
    def missed(self) -> tuple[str, ...]:
        """The named files that are not shown."""
        return tuple(path for path in self.named if path not in self.shown)


def surveyed(root: Path, task: Task, tokens: int) -> Result:
    """Survey the repository `root` for a task as the runner does."""
    started = time.perf_counter()
    view = survey.take(root, task.text, tokens)
    seconds = time.perf_counter() - started
    offered = (*view.guides, *view.files)
    return Result(
        named=task.files,
        shown=frozenset(file.path for file in offered),
        mapped=frozenset(path for path in task.files if path in view.tree or path in view.too_large),
        noise=tuple(file.path for file in offered if _is_noise(file)),
        tokens=view.tokens,
        seconds=seconds,
    )


def _is_noise(file: survey.SourceFile) -> bool:
    lines = file.text.count("\n") + 1
    return bool(_NOISE.search(file.path)) or "\0" in file.text or len(file.text.encode()) / lines > _LONG_LINES
