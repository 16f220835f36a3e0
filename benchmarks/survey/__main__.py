"""`python -m benchmarks.survey [--data DIR] [--tokens N] [--tasks FILE]`: fetch, survey, print; exit 1 below a bar."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.survey import sources
from benchmarks.survey.measure import Result, surveyed
from benchmarks.survey.tasks import packages

TOKENS = 24_000
"""What the host gives a job."""
MOST_SECONDS, LEAST_FOUND = 2.0, 0.8


def main() -> int:
    """Run every task and print the figures. Exit code 0: all bars are met."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="survey-") as folder:
        data = options.data or Path(folder)
        results = []
        for package in packages(*filter(None, [options.tasks])):
            root = sources.repository(package, data)
            surveyed(root, package.tasks[0], options.tokens)  # the first reads from the disk what the others do not
            print(f"\n{package.spec}")
            for task in package.tasks:
                results.append(surveyed(root, task, options.tokens))
                _print(task.text.split("\n", 1)[0], results[-1])
    return _summary(results, options.tokens)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.survey", description=__doc__)
    parser.add_argument("--data", type=Path, help="keep the fetched packages in this folder")
    parser.add_argument("--tokens", type=int, default=TOKENS, help="token budget of a survey")
    parser.add_argument("--tasks", type=Path, help="another file of packages and tasks")
    return parser.parse_args()


def _print(title: str, result: Result) -> None:
    figures = f"{result.found}/{len(result.named)} {result.tokens:6,} tokens {result.seconds:5.2f} s"
    print(f"  {figures}  {title[:70]}")
    for path in result.missed:
        print(f"      missed: {path}{' (named in the listing)' if path in result.mapped else ''}")
    for path in result.noise:
        print(f"      noise: {path}")


def _summary(results: list[Result], tokens: int) -> int:
    named = sum(len(result.named) for result in results)
    found = sum(result.found for result in results)
    mapped = sum(path in result.shown | result.mapped for result in results for path in result.named)
    whole = sum(not result.missed for result in results)
    noise = sum(len(result.noise) for result in results)
    slowest, largest = max(result.seconds for result in results), max(result.tokens for result in results)
    print(f"\nnamed files shown    {found} of {named} ({found / named:.1%}; at least {LEAST_FOUND:.0%})")
    print(f"shown or named       {mapped} of {named} ({mapped / named:.1%})")
    print(f"tasks with all shown {whole} of {len(results)}")
    print(f"slowest              {slowest:.2f} s (under {MOST_SECONDS:g} s)")
    print(f"largest              {largest:,} tokens (at most {tokens:,})")
    print(f"noise                {noise} files (none)")
    good = found / named >= LEAST_FOUND and slowest < MOST_SECONDS and largest <= tokens and not noise
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
