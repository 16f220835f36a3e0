"""`python3 -m runner.probe`: a line a check. `--json`: an array of {id, title, ok, found}. `--table`: what is checked.

Exit 0: every check holds. 1: some do not.
"""

from __future__ import annotations

import argparse
import json
import sys
from io import TextIOWrapper

from runner.probe import files, kernel, keys, limits, neighbours, network, privileges

CHECKS = (
    *privileges.CHECKS, *keys.CHECKS, *network.CHECKS, *kernel.CHECKS, *files.CHECKS, *limits.CHECKS,
    *neighbours.CHECKS,
)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m runner.probe", description="Look around in this sandbox.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--json", action="store_true", help="one JSON array on stdout")
    what.add_argument("--table", action="store_true", help="the checks as a Markdown table; nothing is looked at")
    options = parser.parse_args(argv)
    if options.table:
        sys.stdout.write(table())
        return 0
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files are bytes
    findings = [(check, check.run()) for check in CHECKS]
    held = sum(finding.ok for _, finding in findings)
    if options.json:
        rows = [{"id": check.id, "title": check.title, **finding._asdict()} for check, finding in findings]
        sys.stdout.write(json.dumps(rows) + "\n")
    else:
        for check, finding in findings:
            sys.stdout.write(f"{'ok  ' if finding.ok else 'FAIL'} {check.id:<26} {check.title}: {finding.found}\n")
        sys.stdout.write(f"{held} of {len(findings)} checks hold\n")
    return 0 if held == len(findings) else 1


def table() -> str:
    """As it stands in docs/security.md."""
    rows = [f"| `{check.id}` | {check.title} | {check.promise} |" for check in CHECKS]
    return "\n".join(["| check | what holds | promise |", "|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
