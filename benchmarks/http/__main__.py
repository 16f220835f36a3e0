"""`python -m benchmarks.http [--no-docker] [--seconds N] [--tasks N] [--lines N]`: exit 1 if a stream was not whole."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.http import requests, streams
from benchmarks.http.store import filled
from benchmarks.logs.__main__ import sandbox_image
from benchmarks.logs.path import Latency

RATE = 1_000
CLIENTS, RECONNECTS, FOLLOWED = 100, 100, 5_000


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Exit code 0: every reader saw every line once, in order."""
    options = _options(argv)
    whole = options.no_docker or _print_latency(options)
    whole &= _print_streams(options)
    with filled(options.folder, tasks=options.tasks, lines=options.lines) as (store, task):
        print(f"\n{options.tasks:,} tasks, {options.lines:,} lines in one log{'':12} p50 ms    p99 ms  answers")
        for timed in requests.paths(store, task, times=options.times):
            name = timed.name.replace(task, "ID")
            print(f"{name:52} {timed.p50:9.2f} {timed.p99:9.2f}  {_words(timed.statuses)}", flush=True)
        print(f"\n{'webhooks':44} requests/s  answers")
        for rate in requests.webhooks(store, number=options.webhooks):
            print(f"{rate.name:44} {rate.per_second:10.0f}  {_words(rate.statuses)}", flush=True)
    return 0 if whole else 1


def _print_latency(options: argparse.Namespace) -> bool:
    figures = streams.paced(options.image or sandbox_image(), RATE, int(RATE * options.seconds))
    print(f"line in the container → viewer, {RATE:,} a second      p50 ms    p99 ms  wrong lines")
    _print_line("client of a live stream", figures.ours)
    if figures.floor:
        _print_line("docker logs -f", figures.floor)
    print(f"{'processor: follower, log, store, server':48} {figures.cpu:9.1%}")
    return not figures.ours.wrong


def _print_line(name: str, seen: Latency) -> None:
    print(f"{name:48} {seen.p50:9.1f} {seen.p99:9.1f}  {seen.wrong}", flush=True)


def _print_streams(options: argparse.Namespace) -> bool:
    back = streams.reconnects(options.reconnects, options.followed)
    many = streams.many(options.clients, options.followed)
    print(
        f"{options.reconnects} reconnects: {back.lines:,} lines in {back.seconds:.1f} s, {'not ' * back.wrong}each once"
    )
    print(
        f"{many.clients} clients: {many.lines:,} lines each in {many.seconds:.1f} s, wrong for {many.wrong}", flush=True
    )
    return not back.wrong and not many.wrong


def _words(statuses: dict[int, int]) -> str:
    return ", ".join(f"{status}: {number:,}" for status, number in statuses.items())


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--image", help="an image with python3; else the product's own, built if need be")
    parser.add_argument("--no-docker", action="store_true", help="leave out what needs a container")
    parser.add_argument("--seconds", type=float, default=30, help="length of the paced run")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="on one task")
    parser.add_argument("--reconnects", type=int, default=RECONNECTS)
    parser.add_argument("--followed", type=int, default=FOLLOWED, help="lines of these two")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=300, help="requests of each kind")
    parser.add_argument("--webhooks", type=int, default=500, help="of each kind")
    parser.add_argument("--folder", type=Path, help="where the homes lie; else the temporary folder")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
