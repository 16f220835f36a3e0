"""One survey, judged: which named files it offers, its time and tokens, and what should not have been offered."""

from __future__ import annotations

import os
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
    """`shown`: in the prompt, whole or (`excerpts`) in part. `mapped`: at least named there."""

    named: tuple[str, ...]
    shown: frozenset[str]
    excerpts: frozenset[str]
    mapped: frozenset[str]
    noise: tuple[str, ...]
    tokens: int
    seconds: float
    work: float
    """Processor seconds: what `seconds` would be on a machine that does nothing else."""

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
    started, worked = time.perf_counter(), _worked()
    view = survey.take(root, task.text, tokens)
    seconds, work = time.perf_counter() - started, _worked() - worked
    offered = (*view.guides, *view.files)
    return Result(
        named=task.files,
        shown=frozenset(file.path for file in offered),
        excerpts=frozenset(file.path for file in offered if not file.whole),
        mapped=frozenset(path for path in task.files if path in f"{view.tree}{view.outline}{view.too_large}"),
        noise=tuple(file.path for file in offered if _is_noise(file)),
        tokens=view.tokens,
        seconds=seconds,
        work=work,
    )


def _worked() -> float:
    """Processor seconds of this process and of the gits it has waited for."""
    return sum(os.times()[:4])


def _is_noise(file: survey.SourceFile) -> bool:
    lines = file.text.count("\n") + 1
    return bool(_NOISE.search(file.path)) or "\0" in file.text or len(file.text.encode()) / lines > _LONG_LINES
