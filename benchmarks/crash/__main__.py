"""`python -m benchmarks.crash [--tasks 200] [--minutes 10] [--seed N]`, or `--kills 20 --tasks 10`; exit 1 if an
invariant breaks. Needs a Docker engine behind a unix socket; PITHY_BASE_IMAGE and PITHY_TEST_CA_BUNDLE as the tests."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.crash.overrun import Overrun
from benchmarks.crash.soak import Soak
from pithy_local.config import SandboxSettings
from tests.crash.trial import Trial, made


def main() -> int:
    """Run one of the two and print its figures. Exit code 0: nothing is broken."""
    options = _options()
    print(f"seed            {options.seed}")
    folder = Path(tempfile.mkdtemp(prefix="crash-"))

    @contextmanager
    def trial(name: str) -> Iterator[Trial]:
        (folder / name).mkdir()
        with made(folder / name, options.executor, _sandbox(), concurrency=64) as one:
            if options.executor == "docker":
                one.world.ok("image", "build", timeout=900)  # else the first task would pay for it
            yield one

    if options.kills:
        overrun = Overrun(tasks=options.tasks or 10, kills=options.kills, jobs=options.jobs, seed=options.seed)
        broken = overrun.run(trial)
    else:
        with trial("soak") as one:
            soak = Soak(
                tasks=options.tasks or 200, minutes=options.minutes, jobs=options.jobs, seed=options.seed,
                share=options.share,
            )  # fmt: skip
            broken = soak.run(one)
    for words in broken:
        print(f"BROKEN  {words}")
    if broken:
        print(f"\n{len(broken)} broken; what it left is in {folder}")
        return 1
    shutil.rmtree(folder)
    print("\nnothing is broken")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash", description=__doc__)
    parser.add_argument("--tasks", type=int, help="how many (200; 10 with --kills)")
    parser.add_argument("--minutes", type=float, default=10, help="no new task after so long")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of everything that is random")
    parser.add_argument("--jobs", type=int, default=4, help="tasks at once")
    parser.add_argument("--share", type=float, default=0.05, help="of the responses that may get lost")
    parser.add_argument("--kills", type=int, default=0, help="instead: what so many kills cost")
    parser.add_argument("--executor", choices=("docker", "local"), default="docker")
    return parser.parse_args()


def _sandbox() -> SandboxSettings:
    return SandboxSettings(
        base_image=os.environ.get("PITHY_BASE_IMAGE") or SandboxSettings().base_image,
        ca_bundle=os.environ.get("PITHY_TEST_CA_BUNDLE", ""),
    )


if __name__ == "__main__":
    sys.exit(main())
