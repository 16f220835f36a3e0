"""The product opened on a fresh home, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.config import Secrets, Settings
from pithy_local.paths import Home
from pithy_local.service import App
from pithy_local.store import Store
from tests.store.conftest import HandClock

KEY = "sk-canary-0d9c8b7a6f5e4d3c"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def app(tmp_path: Path, clock: HandClock) -> Iterator[App]:
    home, secrets = Home(root=tmp_path / "home"), Secrets(openai_api_key=KEY)
    store = Store(home, clock)
    with App(settings=Settings(), secrets=secrets, home=home, store=store, clock=clock, env={}) as opened:
        yield opened
