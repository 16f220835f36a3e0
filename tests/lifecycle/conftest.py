"""A repository, a workbench and a bare store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.lifecycle.workbench import Workbench
from tests.lifecycle.bench import StandIn, opened_bench, repository
from tests.store.conftest import clock, lease, owner, store, tasks

__all__ = ["clock", "lease", "owner", "store", "tasks"]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path)


@pytest.fixture
def executor() -> StandIn:
    return StandIn()


@pytest.fixture
def docker() -> StandIn:
    """In the place of the one that needs an engine."""
    return StandIn(name="docker")


@pytest.fixture
def bench(tmp_path: Path, executor: StandIn, docker: StandIn) -> Iterator[Workbench]:
    with opened_bench(tmp_path, executor, docker) as opened:
        yield opened
