from __future__ import annotations

from collections.abc import Iterator

import pytest

from pithy_local.door.loop import EventLoop
from tests.door.harness import CANARY, Recorded
from tests.fakes.model import FakeModel


@pytest.fixture(autouse=True)
def _no_proxy_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the machine's must not stand between the gateway and the fake."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    with EventLoop() as running:
        yield running


@pytest.fixture
def model() -> Iterator[FakeModel]:
    """A model server that knows the real key alone."""
    with FakeModel(key=CANARY) as fake:
        yield fake


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()
