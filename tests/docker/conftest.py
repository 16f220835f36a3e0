"""A sandbox that waits for its job, for tests that look around in one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pithy_local.executors import container
from pithy_local.executors.engine import Engine
from tests.docker.support import Host, make_job


@pytest.fixture
def waiting(engine: Engine, sandbox_image: str, instance: str) -> Iterator[str]:
    """The id of a sealed container whose runner waits for a job that never comes."""
    started = container.launch(engine, sandbox_image, make_job(instance), Host())
    try:
        yield started
    finally:
        container.remove(engine, started)
