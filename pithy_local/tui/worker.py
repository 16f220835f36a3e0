"""The supervisor that the dashboard embeds, as `run` and `serve` do: all of them share one home and its concurrency."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from pithy_local import service
from pithy_local.config import Settings
from pithy_local.models import Stop
from pithy_local.service import App
from pithy_local.tui.records import Engine


def load() -> None:
    """Import the engine's SDK, in one thread and before any other needs it.

    It imports itself in circles: two threads that begin with it at once see half of a module (ImportError).
    """
    importlib.import_module("pithy_local.executors.docker")


def configured(settings: Settings) -> Engine:
    """How these settings run a task: only a container without a network is called sealed."""
    if settings.executor == "local":
        return Engine(label="local UNISOLATED", sealed=False)
    network = settings.sandbox.network
    sealed = network == "sealed"
    return Engine(label=f"{settings.executor} ({network if sealed else f'{network} network'})", sealed=sealed)


class Worker:
    """Works the queue from `start` to `stop`."""

    def __init__(self, app: App) -> None:
        self._say: Callable[[str], None] = lambda text: None
        self._supervisor = service.worker(app, say=lambda text: self._say(text), kind="tui")

    def start(self, say: Callable[[str], None]) -> None:
        """Raises PithyError(store)."""
        self._say = say
        self._supervisor.start()

    @property
    def running(self) -> int:
        return self._supervisor.running

    def stop(self, how: Stop, say: Callable[[str], None]) -> None:
        """Claim nothing more, and leave, cancel or wait for what runs here."""
        self._say = say
        self._supervisor.stop(how)

    def engine(self, expected: Engine, executor: str) -> Engine:
        """`expected`, or why the work does not go on and what to do."""
        failure = self._supervisor.failure
        if failure is not None:
            reason = f"stopped: {type(failure).__name__}: {failure}."
            return Engine(label="worker", problem=reason, hint="Quit and open the dashboard again.")
        problem = self._supervisor.store_problem or self._supervisor.engine_problem or self._supervisor.engine_silent
        if problem is None:
            return expected
        return Engine(label=executor, problem=problem.message, hint=problem.advice)
