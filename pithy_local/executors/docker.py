"""The docker executor: each attempt in a sealed, throw-away container of its own."""

from __future__ import annotations

from pathlib import Path

from pithy_local.config import Settings
from pithy_local.door.loop import EventLoop
from pithy_local.executors import container
from pithy_local.executors.base import AttemptHost, Collected, Job, Sandbox
from pithy_local.executors.container import Labels
from pithy_local.executors.engine import Engine, engine_errors, ping
from pithy_local.executors.image import Images
from pithy_local.executors.session import Session
from pithy_local.models import Phase


class DockerExecutor:
    """Implements `executors.base.Executor`. Safe to use from many threads: every call has a connection of its own."""

    name = "docker"
    isolated = True

    def __init__(self, settings: Settings, loop: EventLoop, locks: Path | None = None) -> None:
        """`locks`: see `Images`."""
        self._settings, self._loop, self._locks = settings, loop, locks

    def check(self) -> None:
        ping()

    def run(self, job: Job, host: AttemptHost) -> Collected:
        with Engine.connect() as engine:
            image = Images(engine, self._settings.sandbox, self._locks).ensure(host.say, host.checkpoint)
            host.enter(Phase.STARTING)
            with Session(engine, self._loop, image, job, host) as session:
                session.put_in()
                session.open_door()
                session.hand_over()
                host.enter(Phase.AGENT)
                session.watch()
                result = host.gateway.reports.result
                if result is None or result.outcome != "ready":
                    return Collected(diff=host.gateway.reports.diff or b"")
                host.enter(Phase.COLLECTING)
                return Collected(diff=session.collect())

    def sandboxes(self, instance: str) -> list[Sandbox]:
        with Engine.connect() as engine, engine_errors("list the sandboxes"):
            found = engine.api.containers(all=True, filters={"label": f"pithy.instance={instance}"})
        read = ((Labels.read(entry.get("Labels") or {}), entry) for entry in found)
        return [
            Sandbox(
                task=labels.task, attempt=labels.attempt, fence=labels.fence,
                handle=str(entry["Id"]), created_ms=int(entry["Created"]) * 1000, role=labels.role,
            )
            for labels, entry in read
            if labels is not None
        ]  # fmt: skip

    def remove(self, handle: str) -> None:
        with Engine.connect() as engine:
            container.remove(engine, handle)

    def close(self) -> None:
        """Nothing to give up: connections last as long as the call that uses them."""
