"""`python -m benchmarks.tui`: first frame, a long log, keys under load, an idle dashboard."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tui.home import READY, Writer
from benchmarks.tui.terminal import ROOT, Screen

KEYS = 60
POUR = 5_000
KEY_MS, KEY_RATIO = 50, 5
"""A key is quick when it takes less than so many milliseconds, or than so many keys of a bare app: on a machine that
is busy with something else both take longer."""
BARE = "benchmarks.tui.bare"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure and what it must not pass."""

    name: str
    value: float
    bar: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.value <= self.bar

    def __str__(self) -> str:
        verdict = "ok" if self.holds else "TOO MUCH"
        return f"{self.name:<58}{self.value:>10.3f} {self.unit:<4} (bar {self.bar:g})  {verdict}"


def dashboard(home: Path) -> Screen:
    """The dashboard as a user starts it, command line included; without a worker, which has nothing to work here."""
    return Screen("pithy_local", "--home", str(home), "tui", "--no-worker")


def first_frames(home: Path, rounds: int) -> list[Figure]:
    """Start to the first frame with tasks in it, beside a bare app; the median of each."""
    ours, bare = [], []
    for _ in range(rounds):
        with Screen(BARE) as screen:
            bare.append(screen.until([b"first frame"]) - screen.began)
        with dashboard(home) as screen:
            ours.append(screen.until([b"A task with"]) - screen.began)
    mine, floor = statistics.median(ours), statistics.median(bare)
    print(f"first frame: {mine:.3f} s, a bare Textual app {floor:.3f} s")
    return [Figure(name="first frame, of a bare app's", value=mine / floor, bar=2.0, unit="x")]


def long_log(home: Path, lines: int, idle_seconds: float) -> list[Figure]:
    """A log of so many lines: from the key to its last line, paging, memory, idle."""
    last = f"line {lines:09d}".encode()
    with dashboard(home) as screen:
        screen.until([b"A task with"])
        opened = screen.press("j", last)
        screen.drain(1.0)
        idle = screen.cpu_share(idle_seconds)
        screen.press("\t", b"Search")
        top = screen.press("g", b"line 000000001")
        near = statistics.median(screen.press("\x1b[6~", b"line 0") for _ in range(20))
        end = screen.press("G", last)
        far = statistics.median(screen.press("\x1b[5~", b"line 0") for _ in range(20))
        screen.press("/", b"Search")
        found = screen.press(f"line {lines // 2:09d}\r", f"{lines // 2:,} of".encode())
        rss = screen.rss_mb
    print(f"{lines:,} lines: to the first {top:.3f} s, to the last {end:.3f} s, a page {near:.3f} and {far:.3f} s, "
          f"a search over half of them {found:.3f} s")  # fmt: skip
    return [
        Figure(name=f"log of {lines:,} lines, from the key to its end", value=opened, bar=0.5, unit="s"),
        Figure(name="a page at the end, of a page at the beginning", value=far / near, bar=2.0, unit="x"),
        Figure(name="memory with that log open", value=rss, bar=150.0, unit="MB"),
        Figure(name="processor while nothing happens", value=100 * idle, bar=1.0, unit="%"),
    ]


def keys_under_load(home: Path) -> list[Figure]:
    """Key to paint while lines pour in: moving between tasks; beside a bare app's, which has nothing else to do."""
    argv = [sys.executable, "-m", "benchmarks.tui.home", str(home), str(POUR), "90"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == READY
        try:
            with Screen(BARE) as screen:
                screen.until([b"first frame"])
                bare = [screen.press(key, f"key {key} was".encode()) for key in "abcdef" * (KEYS // 6)]
            with dashboard(home) as screen:
                screen.until([b"A task with", b"FOLLOW"])
                screen.press("G", b"line 0")
                screen.drain(2.0)
                ways = [("k", b"Another task"), ("j", b"A task with")]
                ours = [screen.press(*ways[turn % 2]) for turn in range(KEYS)]
        finally:
            writer.kill()
    mine, floor = (1000 * statistics.quantiles(took, n=20)[-1] for took in (ours, bare))
    print(f"key to paint with {POUR:,} lines/s, milliseconds: median {1000 * statistics.median(ours):.1f}, 95 of 100 "
          f"{mine:.1f}; a bare app {1000 * statistics.median(bare):.1f} and {floor:.1f}")  # fmt: skip
    quick = min(mine / KEY_MS, mine / floor / KEY_RATIO)
    return [
        Figure(name=f"key to paint, 95 of 100: of {KEY_MS} ms, or {KEY_RATIO} bare apps", value=quick, bar=1, unit="x")
    ]


def measured(lines: int, rounds: int, idle_seconds: float) -> list[Figure]:
    """Every figure, of a log of so many lines."""
    with tempfile.TemporaryDirectory(prefix="pithy-bench-") as folder:
        home = Path(folder)
        Writer(home).fill(lines)
        return [*first_frames(home, rounds), *long_log(home, lines, idle_seconds), *keys_under_load(home)]


def main() -> int:
    """Print every figure; 1 where a bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tui", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="of the long log")
    parser.add_argument("--rounds", type=int, default=5, help="of first frames, of which the median counts")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds to look on while nothing happens")
    options = parser.parse_args()
    figures = measured(options.lines, options.rounds, options.idle)
    print(*figures, sep="\n")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
