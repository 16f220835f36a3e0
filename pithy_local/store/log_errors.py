"""What counts as a line that tells of an error: the one place that says it, for whoever goes from error to error.

The stream does not count: many programs write everything to their standard error, and some their errors to the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORDS = r"(?i:errors?|failed|failures?|fatal|panic(?:ked)?|exceptions?|traceback)|FAIL|CRITICAL"
_ERROR = re.compile(
    rf"(?<!\b0 )(?<!\b[Nn]o )(?<![\w./-])(?:{_WORDS})(?![\w/-]|\.\w|\s?[=:]\s?(?:0|[Nn]one|null|\[\])(?!\w))"
    r"|(?<!\w)[A-Z]\w*(?:Error|Exception)(?!\w)"
    r"|\bexit(?:ed)?(?: with)?(?: code| status)?:? [1-9]"
)
"""A word of its own: `test_errors.py` and `src/errors/` are names, `0 failed`, `no errors` and `errors=0` none. Or what
languages call their exceptions (`ValueError`), or an exit code that is not 0."""
_PARTS = ("error", "fail", "fatal", "panic", "exception", "traceback", "critical", "exit")
"""Each such line has one of these in it, whatever its capitals: SQLite looks for them much quicker."""


@dataclass(frozen=True)
class ErrorWords:
    """Looks for lines that tell of an error: a word as `error`, `failed` or `traceback`, the name of an exception, an
    exit code that is not 0. As with a `Needle` it is the line as it is shown that counts."""

    @property
    def test(self) -> tuple[str, list[str]]:
        """SQL that asks a line's `text`, and its parameters; it may ask `shows(text)`."""
        return f"({' OR '.join(['text LIKE ?'] * len(_PARTS))}) AND shows(text)", [f"%{part}%" for part in _PARTS]

    def is_in(self, shown: str) -> bool:
        """Whether this text tells of an error."""
        return _ERROR.search(shown) is not None


ERRORS = ErrorWords()
