"""A host to report to, and a runner that does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.process import Runner, started
from tests.runner.support import ReportService


@pytest.fixture
def service() -> Iterator[ReportService]:
    with ReportService() as service:
        yield service


@pytest.fixture
def runner(tmp_path: Path, service: ReportService) -> Iterator[Runner]:
    with started(tmp_path, service) as runner:
        yield runner
