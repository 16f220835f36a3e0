from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pithy_local.service import App, open_app

MakeApp = Callable[..., App]


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[MakeApp]:
    """The product, opened with a configuration file's text and an environment."""
    with ExitStack() as opened:

        def make(config: str = "", **env: str) -> App:
            file = tmp_path / "config.toml"
            file.write_text(config)
            return opened.enter_context(open_app(config_file=str(file), home=str(tmp_path / "home"), env=env))

        yield make
