"""What is said after a bug ended the dashboard: where it happened and what to do, and nothing that was in memory.

Textual would show the variables of every frame: keys, prompts, lines of a log.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection

from textual.worker import WorkerFailed

from pithy_local.redact import Redactor
from pithy_local.text import safe_block, safe_line

HINT = (
    "This is a bug in pithy-local: please report it with the lines above. Attempts that ran in here are taken up again."
)


def report(error: BaseException, secrets: Collection[str]) -> str:
    """Safe text of several lines: the calls without their variables, the error, what to do. `secrets` are masked."""
    if isinstance(error, WorkerFailed):
        error = error.error
    calls = "".join(traceback.format_exception(error)).rstrip()
    said = safe_line(f"the dashboard has crashed: {type(error).__name__}: {error}")
    return safe_block(Redactor(secrets).mask(f"{calls}\npithy-local: error: {said}\nhint: {HINT}"))
