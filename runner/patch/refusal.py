"""Why an answer is refused, said so that the model can mend it: file, hunk, first differing line, the real lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from runner.errors import PatchRefused
from runner.patch.safety import LONGEST_PATH

Reason = Literal[
    "empty_answer", "no_diff", "truncated", "too_large", "not_unicode", "malformed", "binary", "unsafe_path", "mode",
    "copy", "conflicting_drafts", "overlap", "missing_file", "ambiguous_path", "exists", "not_text", "not_found",
    "deleted_not_found", "ambiguous", "no_location", "indentation", "already_applied", "placeholder",
    "delete_mismatch", "no_change", "not_whole", "write_failed",
]  # fmt: skip
"""The reason codes of a report."""

_UNREADABLE = frozenset({"empty_answer", "no_diff", "truncated", "too_large", "not_unicode", "malformed"})
_REPORT_LIMIT = 6000
_LINE_LIMIT = 240
_SHOWN_PROBLEMS = 6


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Real lines of a file: `first` is the number of the first of them."""

    first: int
    lines: tuple[str, ...]

    def text(self) -> str:
        """The lines with their numbers."""
        width = len(str(self.first + len(self.lines)))
        return "\n".join(f"  {number:>{width}} | {_cut(line)}" for number, line in enumerate(self.lines, self.first))


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong. `hunk` counts from 1 within its file, of `hunks`; `header` is the hunk's `@@` line.

    `yours` is the first line of the hunk that differs and `theirs` the file's line there, both as they are;
    `candidates` are the lines where the hunk would fit.
    """

    reason: Reason
    text: str
    path: str | None = None
    hunk: int | None = None
    hunks: int = 0
    header: str = ""
    yours: str | None = None
    theirs: str | None = None
    excerpt: Excerpt | None = None
    candidates: tuple[int, ...] = ()

    def words(self) -> str:
        """The problem as lines of text."""
        named = self.path is None or (self.hunk is None and self.text.startswith(self.path))
        where = "" if named else f"{_plain(_cut(str(self.path)))}: "
        if self.hunk is not None:
            where += f"hunk {self.hunk} of {self.hunks}: "
        parts = [f"{where}{_plain(self.text)} [{self.reason}]"]
        if self.header:
            parts.append(f"  its header: {_plain(_cut(self.header))}")
        if self.yours is not None:
            parts.append(f"  first line that differs, yours: {_cut(self.yours)!r}")
            theirs = "(end of file)" if self.theirs is None else repr(_cut(self.theirs))
            parts.append(f"                    in the file: {theirs}")
        if self.candidates:
            parts.append(f"  it fits at lines {', '.join(map(str, self.candidates))}")
        if self.excerpt is not None:
            parts.append(f"  the file really has:\n{self.excerpt.text()}")
        return "\n".join(parts)


class Stop(Exception):
    """Raised inside the engine with what ends the work on a file or an answer.

    `matched` hunks had no problem; `named` are the files that the answer meant, as far as they are known.
    """

    def __init__(self, *problems: Problem, matched: int = 0, named: Sequence[str] = ()) -> None:
        super().__init__(problems[0].text)
        self.problems = problems
        self.matched = matched
        self.named = tuple(named)


class Refused(PatchRefused):
    """The refusal of a whole answer; `problems` say why, `matched` is how many hunks had no problem."""

    def __init__(self, problems: Sequence[Problem], *, paths: Iterable[str] = (), matched: int = 0) -> None:
        unreadable = all(problem.reason in _UNREADABLE for problem in problems)
        code: Literal["patch_malformed", "patch_rejected"] = "patch_malformed" if unreadable else "patch_rejected"
        named = dict.fromkeys(path for path in paths if len(path) <= LONGEST_PATH)
        super().__init__(code, _report(problems, matched), paths=tuple(named))
        self.problems = tuple(problems)
        self.matched = matched

    @property
    def changes_nothing(self) -> bool:
        """Whether the answer was understood, and leaves every file as it is."""
        return all(problem.reason == "no_change" for problem in self.problems)


def stop(reason: Reason, text: str, path: str | None = None) -> Stop:
    """A problem that needs no more than its reason and words."""
    return Stop(Problem(reason=reason, text=text, path=path))


def _report(problems: Sequence[Problem], matched: int) -> str:
    parts = [problem.words() for problem in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > _SHOWN_PROBLEMS:
        parts.append(f"… and {len(problems) - _SHOWN_PROBLEMS} more problems like these.")
    if matched:
        parts.append(f"The other {matched} {'hunk' if matched == 1 else 'hunks'} matched; nothing was applied.")
    text = "\n".join(parts)
    return text if len(text) <= _REPORT_LIMIT else text[: _REPORT_LIMIT - 2] + " …"


def _plain(text: str) -> str:
    """Text of one line, whatever the model put into a name: this is printed too."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_LIMIT else line[: _LINE_LIMIT - 1] + "…"
