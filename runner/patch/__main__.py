"""`python -m runner.patch --repo DIR --answer FILE [--json]`: apply a model's answer to a work tree.

Exit 0: applied. 2: refused, nothing changed, the reason on stderr (with --json: on stdout). 1: something else failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from runner.errors import PatchRefused, RunnerError
from runner.patch import Applied, apply_answer
from runner.patch.report import as_json


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m runner.patch", description="Apply a model's answer, or refuse it.")
    parser.add_argument("--repo", type=Path, required=True, help="root of a git work tree")
    parser.add_argument("--answer", type=Path, required=True, help="file with the answer (UTF-8)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args(argv)
    if not (options.repo / ".git").exists():
        parser.error(f"{options.repo} is not the root of a git work tree")
    try:
        answer = options.answer.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"{options.answer} cannot be read: {error}")
    outcome: Applied | PatchRefused
    try:
        outcome = apply_answer(options.repo, answer)
    except PatchRefused as refused:
        outcome = refused
    except RunnerError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    if options.json:
        sys.stdout.write(as_json(outcome) + "\n")
    elif isinstance(outcome, PatchRefused):
        sys.stderr.write(f"{outcome.code}: {outcome.message}\n")
    return 0 if isinstance(outcome, Applied) else 2


if __name__ == "__main__":
    raise SystemExit(main())
