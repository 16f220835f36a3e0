"""Engines that answer what the test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import docker
import pytest

from pithy_local.executors.engine import Engine
from tests.executors.fake_engine import FakeEngine, Serve


@pytest.fixture
def connect() -> Iterator[Callable[[Serve], Engine]]:
    """An engine whose every answer the test writes."""
    opened: list[tuple[FakeEngine, Engine]] = []

    def start(answer: Serve) -> Engine:
        fake = FakeEngine(answer).start()
        client = docker.DockerClient(base_url=fake.url.replace("http", "tcp"), version="1.41")
        opened.append((fake, Engine(client)))
        return opened[-1][1]

    yield start
    for fake, engine in opened:
        engine.close()
        fake.stop()
