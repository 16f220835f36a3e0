"""The product, opened: settings, secrets, home and store together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

from pithy_local import config
from pithy_local.clock import Clock, SystemClock
from pithy_local.config import Secrets, Settings
from pithy_local.paths import Home, find_home
from pithy_local.store import Store

POLL_SECONDS = 0.05
"""Between two looks at what other processes may have changed."""


@dataclass(frozen=True, kw_only=True)
class App:
    """What every use case needs. Close it, or use it in a `with`."""

    settings: Settings
    secrets: Secrets
    home: Home
    store: Store
    clock: Clock
    env: Mapping[str, str]

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_app(*, config_file: str | None = None, home: str | None = None, env: Mapping[str, str]) -> App:
    """Read the configuration and open the home. Raises UsageError(config), PithyError(store)."""
    settings = config.load(config_file, env)
    found = find_home(home, env)
    clock = SystemClock()
    return App(
        settings=settings, secrets=config.read_secrets(env), home=found, store=Store(found, clock), clock=clock, env=env
    )
