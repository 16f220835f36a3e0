"""`python -m benchmarks.logs [--image I] [--seconds N] [--lines N] [--flood BYTES]`: exit 1 if a line was lost."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.logs.path import Carried, Latency, Paced, burst, paced
from pithy_local import config
from pithy_local.config import LogSettings
from pithy_local.executors.engine import Engine
from pithy_local.executors.image import Images

RATES = (1_000, 10_000)
LINE_BYTES = 70


def main() -> int:
    """Measure and print. Exit code 0: every reader saw every line once, in order."""
    options = _options()
    image = options.image or sandbox_image()
    print("write → viewer                        p50 ms   p99 ms   CPU of one processor")
    good = True
    for rate in RATES:
        figures = paced(image, rate, int(rate * options.seconds))
        _print_paced(figures)
        good &= all(seen.wrong == 0 for seen in (figures.ours, figures.floor) if seen)
    whole = burst(image, options.lines)
    _print_carried(f"burst of {options.lines:,} lines", whole)
    limit = LogSettings().max_bytes_per_task
    flood = burst(image, options.flood // LINE_BYTES, max_bytes=limit)
    _print_carried(f"flood of {options.flood / 1e9:g} GB", flood)
    print(f"lost or doubled {whole.wrong + flood.wrong} of {whole.lines + flood.lines:,} stored lines")
    good &= whole.lines == options.lines and not whole.truncated and flood.truncated and not flood.wrong
    return 0 if good and not whole.wrong else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs", description=__doc__)
    parser.add_argument("--image", help="an image with python3; else the product's own, built if need be")
    parser.add_argument("--seconds", type=float, default=10, help="length of a paced run")
    parser.add_argument("--lines", type=int, default=1_000_000, help="length of the burst")
    parser.add_argument("--flood", type=int, default=1_000_000_000, help="bytes of output that meet the limit")
    return parser.parse_args()


def sandbox_image() -> str:
    """As the configuration in force on this machine builds it."""
    sandbox = config.load(None, os.environ).sandbox
    with Engine.connect() as engine, tempfile.TemporaryDirectory() as locks:
        return Images(engine, sandbox, Path(locks)).ensure(print)


def _print_paced(figures: Paced) -> None:
    _print_latency(f"{figures.rate:6,} lines/s", figures.ours, f"{figures.cpu:.1%}")
    if figures.floor:
        _print_latency("       docker logs -f", figures.floor, "")


def _print_latency(name: str, seen: Latency, cpu: str) -> None:
    trouble = f"  {seen.wrong} of {seen.lines:,} lines wrong" if seen.wrong else ""
    print(f"{name:36s} {seen.p50:8.1f} {seen.p99:8.1f}   {cpu}{trouble}")


def _print_carried(name: str, carried: Carried) -> None:
    rate = carried.lines / carried.stored
    cut = "cut at the limit" if carried.truncated else "whole"
    print(
        f"{name:28s} written in {carried.container:.1f} s, stored {carried.lines:,} lines in {carried.stored:.1f} s "
        f"({rate:,.0f}/s, {cut}), {carried.memory >> 20} MiB of memory"
    )


if __name__ == "__main__":
    sys.exit(main())
