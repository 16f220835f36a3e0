"""Trials: one world each, in which processes are let die; nothing is left behind, or the test fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings
from tests.crash import invariants
from tests.crash.trial import Trial, made


@pytest.fixture
def local_trial(tmp_path: Path, sandbox_settings: SandboxSettings) -> Iterator[Trial]:
    """Executor `local`: for what needs no container."""
    with made(tmp_path, "local", sandbox_settings) as trial:
        yield trial
        assert invariants.broken(trial) == []


@pytest.fixture
def trial(tmp_path: Path, sandbox_settings: SandboxSettings, sandbox_image: str) -> Iterator[Trial]:
    """Executor `docker`, its engine behind a proxy. The invariants hold when the test is over, or it fails."""
    with made(tmp_path, "docker", sandbox_settings) as trial:
        yield trial
        assert invariants.broken(trial) == []
