"""What every attempt of this process works with. Heavy parts are made on first use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pithy_local.clock import Clock
from pithy_local.config import Secrets, Settings
from pithy_local.door.loop import EventLoop
from pithy_local.executors.base import Executor
from pithy_local.forge.base import Forge
from pithy_local.lifecycle.repository import Repositories
from pithy_local.paths import Home
from pithy_local.redact import Redactor
from pithy_local.store import Store


@dataclass(kw_only=True)
class Workbench:
    """Settings, secrets, stores and the adapters to the world outside. Shared by the process' threads."""

    settings: Settings
    secrets: Secrets
    home: Home
    store: Store
    clock: Clock
    redactor: Redactor
    loop: EventLoop
    make_executor: Callable[[str], Executor]
    make_forge: Callable[[], Forge]
    _executors: dict[str, Executor] = field(default_factory=dict)
    _forge: Forge | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def executor(self, name: str) -> Executor:
        """The executor of this name, made once. Raises PithyError(docker_unreachable)."""
        with self._lock:
            if name not in self._executors:
                self._executors[name] = self.make_executor(name)
            return self._executors[name]

    def made_executors(self) -> list[Executor]:
        with self._lock:
            return list(self._executors.values())

    def forge(self) -> Forge:
        with self._lock:
            if self._forge is None:
                self._forge = self.make_forge()
            return self._forge

    @property
    def repositories(self) -> Repositories:
        return Repositories(
            api_url=self.settings.github.api_url, token=self.secrets.github_token, home=self.home, forge=self.forge
        )

    def close(self) -> None:
        try:
            for executor in self.made_executors():
                executor.close()
            if self._forge is not None:
                self._forge.close()
        finally:
            self.loop.stop()
