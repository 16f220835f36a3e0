"""The docker executor: an attempt's agent and its verify commands, each in a sealed, throw-away container."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pithy_local.config import Settings
from pithy_local.door.loop import EventLoop
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors import container
from pithy_local.executors.agent_session import AgentSession
from pithy_local.executors.base import AttemptHost, Collected, Job, Sandbox, VerifyJob, VerifyRun
from pithy_local.executors.container import Labels
from pithy_local.executors.engine import Engine, engine_errors, ping
from pithy_local.executors.image import Images
from pithy_local.executors.session import Session, must_fit
from pithy_local.executors.verify_session import VerifySession
from pithy_local.models import Phase

S = TypeVar("S", bound=Session)


class DockerExecutor:
    """Implements `executors.base.Executor`. Safe to use from many threads: every call has a connection of its own."""

    name = "docker"
    isolated = True

    def __init__(
        self, settings: Settings, loop: EventLoop, locks: Path | None = None, source: Path | None = None
    ) -> None:
        """`locks` and `source`: see `Images`."""
        self._settings, self._loop, self._locks, self._source = settings, loop, locks, source

    def check(self) -> None:
        ping()

    def run(self, job: Job, host: AttemptHost) -> Collected:
        must_fit(job)
        with Engine.connect() as engine:
            image = self._image(engine, host)
            host.enter(Phase.STARTING)
            with self._started(
                engine, host, image, lambda now: AgentSession(engine, self._loop, now, job, host)
            ) as session:
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

    def verify(self, job: VerifyJob, host: AttemptHost) -> list[VerifyRun]:
        must_fit(job)
        with Engine.connect() as engine:
            image = self._image(engine, host)
            with self._started(
                engine, host, image, lambda now: VerifySession(engine, self._loop, now, job, host)
            ) as session:
                session.put_in()
                return session.verify()

    def environment_key(self, host: AttemptHost, network: str = "sealed") -> str:
        with Engine.connect() as engine:
            return f"{self._image(engine, host)} {network}"

    def _image(self, engine: Engine, host: AttemptHost) -> str:
        return Images(engine, self._settings.sandbox, self._locks, self._source).ensure(host.say, host.checkpoint)

    def _started(self, engine: Engine, host: AttemptHost, image: str, start: Callable[[str], S]) -> S:
        """Start a sandbox on `image`. One that somebody removed since it was made is made again, once."""
        try:
            return start(image)
        except PithyError as error:
            if error.code is not ErrorCode.IMAGE_MISSING:
                raise
            host.say("the sandbox image was removed meanwhile: making it again")
            return start(self._image(engine, host))

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
