"""`python -m benchmarks.queue`: prints the figures; exit code 1 where ours claimed twice, lost one or was locked."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.queue import cycles, latency
from benchmarks.queue.contenders import CONTENDERS

CYCLES = 1_000
PROCESSES = (1, 4, 8)
FINISHED = (1_000, 100_000, 1_000_000)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure every contender that is installed."""
    options = _options(argv)
    names = [name for name in options.contenders if name != "huey" or importlib.util.find_spec("huey")]
    if len(names) < len(options.contenders):
        print("huey is not installed and left out: `pip install 'pithy-local[bench]'`")
    sound = _print_cycles(names, options)
    _print_latency(names, options)
    return 0 if sound else 1


def _print_cycles(names: Sequence[str], options: argparse.Namespace) -> bool:
    sound = True
    print(f"{'enqueue + claim + finish':28} processes  cycles/s  claimed twice  lost  locked")
    for name in names:
        for processes in options.processes:
            with tempfile.TemporaryDirectory(prefix="queue-", dir=options.folder) as folder:
                figures = cycles.run(name, Path(folder), processes=processes, cycles=options.cycles // processes)
            print(
                f"{name:28} {processes:9} {figures.per_second:9,.0f} {figures.twice:14,} {figures.lost:5,} "
                f"{figures.locked:7,}",
                flush=True,
            )
            sound &= figures.sound or name != "ours"
    return sound


def _print_latency(names: Sequence[str], options: argparse.Namespace) -> None:
    print(f"\n{'one claim, committed':28} finished tasks    p50 ms    p99 ms")
    for name in names:
        for finished in options.finished:
            with tempfile.TemporaryDirectory(prefix="queue-", dir=options.folder) as folder:
                p50, p99 = latency.claim_ms(name, Path(folder), finished=finished, claims=options.claims)
            print(f"{name:28} {finished:14,} {p50:9.3f} {p99:9.3f}", flush=True)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.queue", description=__doc__)
    parser.add_argument("--cycles", type=int, default=CYCLES, help="over all processes")
    parser.add_argument("--processes", type=int, nargs="+", default=PROCESSES)
    parser.add_argument("--finished", type=int, nargs="*", default=FINISHED, help="tasks that ended before")
    parser.add_argument("--claims", type=int, default=latency.CLAIMS, help="claims that are timed")
    parser.add_argument("--contenders", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--folder", type=Path, help="where the files are made: the disk to measure")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
