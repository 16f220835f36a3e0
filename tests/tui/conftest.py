"""A home on the scripted model, and another process' view of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.config import ModelSettings, ScriptedSettings, Settings
from tests.tui.seeding import Seed


@pytest.fixture
def seed(tmp_path: Path) -> Iterator[Seed]:
    replies = tmp_path / "replies.json"
    replies.write_text("[]")
    scripted = ModelSettings(provider="scripted", scripted=ScriptedSettings(file=str(replies)))
    made = Seed(tmp_path / "home", Settings(executor="local", model=scripted))
    yield made
    made.close()


@pytest.fixture
def other(seed: Seed) -> Iterator[Seed]:
    """Another process' view of the same home: its writes are what the dashboard must notice."""
    made = Seed(seed.app.home.root)
    yield made
    made.close()
