"""The docker executor: an attempt's agent and its verify commands, each in a sealed, throw-away container."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pithy_local import crash
from pithy_local.config import Settings
from pithy_local.door.loop import EventLoop
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors import container, labelled, verify_session
from pithy_local.executors.agent_session import AgentSession
from pithy_local.executors.base import (
    AgentJob,
    AttemptHost,
    Collected,
    Job,
    Sandbox,
    SandboxJob,
    VerifyJob,
    VerifyRun,
)
from pithy_local.executors.container import Labels
from pithy_local.executors.engine import Engine, ping
from pithy_local.executors.handed_over import handed_over
from pithy_local.executors.image import Images
from pithy_local.executors.session import describe, must_fit
from pithy_local.executors.verify_session import VerifySession
from pithy_local.models import Phase


class DockerExecutor:
    """Implements `executors.base.Executor`. Safe to use from many threads: every call has a connection of its own."""

    name = "docker"
    isolated = True
    lasting = True

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
            sandbox = self._launched(engine, image, job, host)
            with AgentSession(engine, self._loop, sandbox, job, host) as session:
                host.say(f"sandbox {sandbox[:12]} runs: {describe(job)}")
                session.put_in(job.bundle)
                crash.point("put_in")
                host.enter(Phase.AGENT)  # before the job: in an earlier phase nothing of the agent has run
                crash.point("agent.entered")
                return _see_through(session, host)

    def adopt(self, job: AgentJob, host: AttemptHost) -> Collected:
        with Engine.connect() as engine:
            sandbox = container.find(engine, Labels.of(job))
            if sandbox is None:
                gone = PithyError(ErrorCode.CONTAINER_LOST, "somebody removed the sandbox while nobody watched it")
                return handed_over(host, gone)
            with AgentSession(engine, self._loop, sandbox, job, host) as session:
                return _see_through(session, host)

    def end(self, job: AgentJob, host: AttemptHost) -> None:
        with Engine.connect() as engine:
            sandbox = container.find(engine, Labels.of(job))
            if sandbox is not None:
                with AgentSession(engine, self._loop, sandbox, job, host):
                    pass  # leaving it is what ends it

    def verify(self, job: VerifyJob, host: AttemptHost) -> list[VerifyRun]:
        must_fit(job)
        with Engine.connect() as engine:
            sandbox = self._launched(engine, self._image(engine, host), job, host, verify_session.CHANGES)
            with VerifySession(engine, self._loop, sandbox, job, host) as session:
                host.say(f"sandbox {sandbox[:12]} runs: {describe(job)}")
                session.put_in(job.bundle)
                return session.verify()

    def environment_key(self, host: AttemptHost, network: str = "sealed") -> str:
        with Engine.connect() as engine:
            return f"{self._image(engine, host)} {network}"

    def _image(self, engine: Engine, host: AttemptHost) -> str:
        return Images(engine, self._settings.sandbox, self._locks, self._source).ensure(host.say, host.checkpoint)

    def _launched(
        self, engine: Engine, image: str, job: SandboxJob, host: AttemptHost,
        changes: Mapping[str, Any] = MappingProxyType({}),
    ) -> str:  # fmt: skip
        """The id of a container started on `image`. One that somebody removed since it was made is made again, once."""
        try:
            return container.launch(engine, image, job, host, changes)
        except PithyError as error:
            if error.code is not ErrorCode.IMAGE_MISSING:
                raise
            host.say("the sandbox image was removed meanwhile: making it again")
            return container.launch(engine, self._image(engine, host), job, host, changes)

    def sandboxes(self, instance: str) -> list[Sandbox]:
        with Engine.connect() as engine:
            return labelled.sandboxes(engine, instance)

    def remove(self, handle: str) -> None:
        with Engine.connect() as engine:
            container.remove(engine, handle)

    def sweep(self, instance: str, before_ms: int) -> list[str]:
        with Engine.connect() as engine:
            return labelled.sweep(engine, instance, before_ms)

    def close(self) -> None:
        """Nothing to give up: connections last as long as the call that uses them."""


def _see_through(session: AgentSession, host: AttemptHost) -> Collected:
    """From the hand-over of the job to the collected diff, or from wherever an earlier owner got to."""
    reports = host.gateway.reports
    try:
        if not reports.settled.is_set():
            session.open_door()
            session.hand_over()
            crash.point("handed_over")
            session.watch()
            crash.point("watched")
        if reports.result is None or reports.result.outcome != "ready":
            return Collected(diff=reports.diff or b"")
        host.enter(Phase.COLLECTING)
        crash.point("collecting.entered")
        return Collected(diff=session.collect())
    except PithyError as error:
        if error.code not in (ErrorCode.CONTAINER_LOST, ErrorCode.OOM):
            raise
        return handed_over(host, error)
