"""A workbench whose clock the test moves, and the process that works there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.lifecycle.workbench import Workbench
from pithy_local.store.processes import Processes
from tests.lifecycle.bench import StandIn, opened_bench
from tests.store.conftest import HandClock


@pytest.fixture
def bench(tmp_path: Path, executor: StandIn, docker: StandIn, clock: HandClock) -> Iterator[Workbench]:
    """With a clock that the test moves."""
    with opened_bench(tmp_path, executor, docker, clock=clock) as opened:
        yield opened


@pytest.fixture
def me(bench: Workbench) -> str:
    """The process that owns what runs."""
    return Processes(bench.store).register("test")
