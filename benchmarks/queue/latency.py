"""One claim, with many finished tasks in the file."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.queue.contenders import CONTENDERS

CLAIMS = 300


def claim_ms(contender: str, folder: Path, *, finished: int, claims: int = CLAIMS) -> tuple[float, float]:
    """Median and 99th percentile of a claim, milliseconds, its commit included."""
    queue = CONTENDERS[contender](folder)
    queue.fill(finished)
    for number in range(claims):
        queue.add(str(number))
    took = []
    for _ in range(claims):
        start = time.perf_counter()
        claimed = queue.claim()
        took.append((time.perf_counter() - start) * 1000)
        assert claimed is not None
        queue.finish()
    queue.close()
    return statistics.median(took), statistics.quantiles(took, n=100)[98]
