"""Worlds: `world` runs in the sealed container, `local_world` without isolation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.executors.engine import Engine
from tests.e2e.world import World, fix


@pytest.fixture
def local_world(tmp_path: Path, sandbox_settings: SandboxSettings) -> Iterator[World]:
    """Executor `local`; the model mends `calc.py` whatever it is asked. Nothing is left behind, or the test fails."""
    world = World.make(tmp_path, "local", sandbox_settings, lambda _: fix())
    world.start()
    try:
        yield world
        assert world.leftovers() == []
        assert world.github.violations == []
    finally:
        world.stop()


@pytest.fixture
def world(tmp_path: Path, sandbox_settings: SandboxSettings, engine: Engine, sandbox_image: str) -> Iterator[World]:
    """Executor `docker`, as `local_world`; no container, volume or network with our labels is left behind."""
    world = World.make(tmp_path, "docker", sandbox_settings, lambda _: fix())
    world.start()
    try:
        yield world
        label = {"label": f"pithy.instance={world.instance()}"}
        assert engine.api.containers(all=True, filters=label) == []
        assert engine.api.volumes(filters=label)["Volumes"] in (None, [])
        assert engine.api.networks(filters=label) == []
        assert world.leftovers() == []
        assert world.github.violations == []
    finally:
        world.stop()
