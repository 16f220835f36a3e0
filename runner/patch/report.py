"""What became of an answer: the success record, and both outcomes as JSON for the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass

from runner.errors import PatchRefused


@dataclass(frozen=True, kw_only=True)
class Applied:
    """The whole answer is in the work tree. `paths` are the files it named, in its order."""

    paths: tuple[str, ...]


def as_json(outcome: Applied | PatchRefused) -> str:
    """One line: `{"applied": bool, "code": str | null, "reason": str | null, "paths": [str]}`."""
    if isinstance(outcome, Applied):
        return json.dumps({"applied": True, "code": None, "reason": None, "paths": list(outcome.paths)})
    return json.dumps({"applied": False, "code": outcome.code, "reason": outcome.message, "paths": list(outcome.paths)})
