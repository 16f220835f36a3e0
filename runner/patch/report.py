"""What became of an answer: the success record, and both outcomes as JSON for the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass

from runner.errors import PatchRefused
from runner.patch.content import HunkReport
from runner.patch.refusal import Problem, Refused


@dataclass(frozen=True, kw_only=True)
class Applied:
    """The whole answer is in the work tree. `paths` are the files it named, in its order; `hunks` where each went."""

    paths: tuple[str, ...]
    hunks: tuple[HunkReport, ...] = ()

    @property
    def mended(self) -> int:
        """Hunks that a reviewer should look at: found by more than exact lines, blanks at line ends and typography."""
        return sum(hunk.mended for hunk in self.hunks)


def as_json(outcome: Applied | PatchRefused) -> str:
    """One line: `{"applied", "code", "reason", "paths", "mended", "hunks": [...], "problems": [...]}`.

    `code` and `reason` are null when applied; a hunk is `{"path", "hunk", "line", "level"}`, a problem `{"reason",
    "text", "path", "hunk", "hunks", "header", "yours", "theirs", "first", "lines", "candidates"}`.
    """
    if isinstance(outcome, Applied):
        hunks = [
            {"path": hunk.path, "hunk": hunk.hunk, "line": hunk.line, "level": hunk.level.name.lower()}
            for hunk in outcome.hunks
        ]
        return _line(applied=True, paths=outcome.paths, mended=outcome.mended, hunks=hunks)
    problems = [_problem(problem) for problem in outcome.problems] if isinstance(outcome, Refused) else []
    return _line(applied=False, paths=outcome.paths, code=outcome.code, reason=outcome.message, problems=problems)


def _line(
    *, applied: bool, paths: tuple[str, ...], code: str | None = None, reason: str | None = None, mended: int = 0,
    hunks: list[dict[str, object]] | None = None, problems: list[dict[str, object]] | None = None,
) -> str:  # fmt: skip
    told = {"applied": applied, "code": code, "reason": reason, "paths": list(paths), "mended": mended}
    return json.dumps(told | {"hunks": hunks or [], "problems": problems or []})


def _problem(problem: Problem) -> dict[str, object]:
    excerpt = problem.excerpt
    return {
        "reason": problem.reason,
        "text": problem.text,
        "path": problem.path,
        "hunk": problem.hunk,
        "hunks": problem.hunks,
        "header": problem.header,
        "yours": problem.yours,
        "theirs": problem.theirs,
        "first": excerpt.first if excerpt else None,
        "lines": list(excerpt.lines) if excerpt else [],
        "candidates": list(problem.candidates),
    }
