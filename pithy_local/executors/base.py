"""What every executor is given, what it may ask of the host while it runs, and what it returns."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pithy_local.door.gateway import Gateway
from pithy_local.models import Phase, Stream


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one sandbox may use: processors, bytes, processes, seconds of the agent's phase."""

    cpus: float
    memory: int
    pids: int
    disk: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Job:
    """One attempt to execute.

    `spec` is the content of the runner's job.json without the paths, which the executor knows (`bundle`, `repo`).
    `bundle` is a tar file on the host: a bare repository `repo.git/` that holds one branch.
    """

    instance: str
    task: str
    attempt: int
    fence: int
    spec: dict[str, Any]
    bundle: Path
    limits: Limits
    max_diff_bytes: int


@dataclass(frozen=True, kw_only=True)
class Collected:
    """A canonical diff that left the sandbox, made by git there; nothing of it is trusted."""

    diff: bytes


class AttemptHost(Protocol):
    """The attempt's side that an executor talks to. Every method may be called from any thread."""

    @property
    def gateway(self) -> Gateway:
        """The attempt's services: model gateway and reports. `gateway.reports.settled` is set by the last event."""

    @property
    def stopping(self) -> threading.Event:
        """Set when the attempt must end now: cancelled, lease lost, or the process is going down."""

    def checkpoint(self) -> None:
        """Raises Cancelled or LeaseLost when the attempt must end; cheap, call it often."""

    def enter(self, phase: Phase) -> None:
        """Record the phase. Raises LeaseLost, Cancelled."""

    def say(self, text: str) -> None:
        """One line of narration in the task's log (stream `sys`), visible at once."""

    def output(self, stream: Stream, data: bytes) -> None:
        """Bytes of the sandbox's own log, in any portions; lines are assembled, made safe and masked behind this."""

    def intend(self, effect: str, key: str) -> None:
        """Commit the intent of an outside effect (`create`, `start`, `remove`) before it is tried."""

    def done(self, effect: str, result: str = "") -> None:
        """Commit that the effect of the last `intend` with this name has happened."""


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A container or directory of ours that exists now. `handle` is the executor's own word for it.

    `role`: agent for an attempt's, doctor for one that only tried whether a container starts.
    """

    task: str
    attempt: int
    fence: int
    handle: str
    created_ms: int
    role: str = "agent"


class Executor(Protocol):
    """docker | local."""

    name: str
    isolated: bool

    def check(self) -> None:
        """Raises PithyError (docker_unreachable) when nothing can run now."""

    def run(self, job: Job, host: AttemptHost) -> Collected:
        """Run one attempt to its end and leave nothing behind, whatever happens.

        Phases entered: starting, agent, collecting. Returns when the runner reported `ready` and its diff was
        collected, or when it reported `failed` (then with an empty diff: the caller reads `gateway.reports`).
        Raises Cancelled, LeaseLost, PithyError (timeout, image_build_failed, docker_unreachable,
        container_lost, oom, disk_full, internal).
        """

    def sandboxes(self, instance: str) -> list[Sandbox]:
        """What exists now under this instance's label. Raises PithyError (docker_unreachable)."""

    def remove(self, handle: str) -> None:
        """Remove one; one that is gone is fine."""

    def close(self) -> None:
        """Give up connections. Idempotent."""
