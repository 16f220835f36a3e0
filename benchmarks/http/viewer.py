"""`python -m benchmarks.http.viewer COUNT URL TASK`: waits for so many lines of the container in a live stream.

Prints what `benchmarks.logs.viewer` prints.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from benchmarks.http.server import client
from benchmarks.logs.viewer import report


def main() -> None:
    count, url, task = sys.argv[1:]
    report(int(count), _streamed(url, task))


def _streamed(url: str, task: str) -> Iterator[tuple[str, int]]:
    """The container's lines, each with the time it was seen."""
    with client(url) as asking, asking.stream(
        "GET", f"/api/task/{task}/logs", headers={"accept": "text/event-stream"}
    ) as response:  # fmt: skip
        for line in response.iter_lines():
            if line.startswith('data: {"seq"'):
                now, shown = time.time_ns(), json.loads(line[6:])
                if shown["stream"] == "out":
                    yield shown["text"], now


if __name__ == "__main__":
    main()
