from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.served import IdleWorker, Served, serving


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server beside a worker that does nothing."""
    with serving(tmp_path, worker=IdleWorker()) as found:
        yield found
