from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line with a fresh home."""
    return Cli(tmp_path / "user")
