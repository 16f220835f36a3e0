"""`python -m benchmarks.logs.viewer COUNT [HOME TASK]`: waits for so many lines of a task's log, else of stdin.

Prints one JSON object: the milliseconds that lines took from their writer to here, and how many were missing, doubled
or out of order.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator

from pithy_local import service


def main() -> None:
    count, place = int(sys.argv[1]), sys.argv[2:]
    report(count, _stored(*place) if place else _piped())


def report(count: int, lines: Iterable[tuple[str, int]]) -> None:
    """Print what became of so many lines, each with the time it was seen (ns since 1970)."""
    waited, wrong, expected = [], 0, 0
    for line, at in lines:
        number, written, _ = line.split(" ", 2)
        wrong += int(number) != expected
        expected = int(number) + 1
        waited.append((at - int(written)) / 1e6)
        if len(waited) == count:
            break
    waited.sort()
    p50, p99 = (waited[int(len(waited) * share)] if waited else 0.0 for share in (0.5, 0.99))
    print(json.dumps({"lines": len(waited), "wrong": wrong, "p50": p50, "p99": p99}))


def _stored(home: str, task: str) -> Iterator[tuple[str, int]]:
    with service.open_app(home=home, env={}) as app:
        for page in service.follow_log(app, task):
            now = time.time_ns()
            yield from ((line.text, now) for line in page)


def _piped() -> Iterator[tuple[str, int]]:
    for line in sys.stdin:
        yield line, time.time_ns()


if __name__ == "__main__":
    main()
