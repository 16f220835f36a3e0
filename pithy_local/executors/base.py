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
    """What one sandbox may use: processors, bytes, processes, and the seconds of an agent's own work."""

    cpus: float
    memory: int
    pids: int
    disk: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SandboxJob:
    """What every sandbox is made for: whose it is and what it may use.

    `role`: see `Sandbox`; an attempt has one sandbox of each at a time. `network`: sealed | open (the engine's bridge
    network).
    """

    instance: str
    task: str
    attempt: int
    fence: int
    role: str
    limits: Limits
    network: str = "sealed"


@dataclass(frozen=True, kw_only=True)
class RepositoryJob(SandboxJob):
    """One with a repository in it. `bundle` is a tar file on the host: a bare `repo.git/` that holds one branch."""

    bundle: Path


@dataclass(frozen=True, kw_only=True)
class AgentJob(SandboxJob):
    """One attempt's work.

    `spec` is the content of the runner's job.json without the paths, which the executor knows (`bundle`, `repo`).
    """

    role: str = "agent"
    spec: dict[str, Any]
    max_diff_bytes: int


@dataclass(frozen=True, kw_only=True)
class Job(AgentJob, RepositoryJob):
    """One attempt to execute, from its repository on."""


@dataclass(frozen=True, kw_only=True)
class VerifyJob(RepositoryJob):
    """Commands to run on one commit: on the base (`role` vbase) or on what is to be delivered (vpatch).

    `branch` is the one in `bundle`, `sha` the commit that is checked out; `seconds` is the limit of one command.
    """

    commands: tuple[str, ...]
    branch: str
    sha: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class VerifyRun:
    """How one command ended, as the engine or the kernel says, whatever was written inside.

    `exit_code`: 124 when it took longer than allowed, 137 when it was killed (no memory left), None when it was not
    run, since an earlier one ended the sandbox. `output`: the end of what it wrote, at most 8,000 bytes, as it came.
    """

    command: str
    exit_code: int | None
    seconds: float
    output: str


@dataclass(frozen=True, kw_only=True)
class Collected:
    """A canonical diff that left the sandbox, made by git there; nothing of it is trusted."""

    diff: bytes


class Journal(Protocol):
    """Where outside effects are written down."""

    def intend(self, effect: str, key: str) -> None:
        """Commit the intent of an outside effect (`create`, `start`, `remove`) before it is tried."""

    def done(self, effect: str, result: str = "") -> None:
        """Commit that the effect of the last `intend` with this name has happened."""


class AttemptHost(Journal, Protocol):
    """The attempt's side that an executor talks to. Every method may be called from any thread."""

    @property
    def gateway(self) -> Gateway:
        """The attempt's services: model gateway and reports. `gateway.reports.settled` is set by the last event.

        `verify` does not ask for it.
        """

    @property
    def stopping(self) -> threading.Event:
        """Set when the attempt must end now: cancelled, lease lost, or the process is going down."""

    def checkpoint(self) -> None:
        """Raises Cancelled or LeaseLost when the attempt must end; cheap, call it often."""

    def enter(self, phase: Phase) -> None:
        """Record the phase. Raises LeaseLost, Cancelled."""

    def still_ours(self) -> bool:
        """Whether the attempt, and with it its sandbox, is still this owner's: else nothing of it may be touched."""

    def time_left(self, seconds: float) -> float:
        """How many of the agent's `seconds` are left: all, unless an earlier owner of the attempt has begun them."""

    def keep_time(self, left: float) -> None:
        """Write down that so many seconds are left from now on, for an adopter. Cheap while that only grows old."""

    def say(self, text: str) -> None:
        """One line of narration in the task's log (stream `sys`), visible at once."""

    def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
        """Bytes of the sandbox's own log, in any portions; lines are assembled, made safe and masked behind this.

        `frame`: the number of this frame in the log of the container that `frames` named; None for what has no number.
        False when no more is wanted: the log is full, or closed.
        """

    def frames(self, container: str) -> int:
        """How many frames of this container's log were taken already: an adopter goes on after them."""


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A container or directory of ours that exists now. `handle` is the executor's own word for it.

    `role`: agent for an attempt's, vbase and vpatch for those of its verify commands, doctor for one that only tried
    whether a container starts.
    """

    task: str
    attempt: int
    fence: int
    handle: str
    created_ms: int
    role: str = "agent"


class Executor(Protocol):
    """docker | local. `lasting`: its sandboxes outlive the process that made them."""

    name: str
    isolated: bool
    lasting: bool

    def check(self) -> None:
        """Raises PithyError (docker_unreachable) when nothing can run now."""

    def run(self, job: Job, host: AttemptHost) -> Collected:
        """Run one attempt to its end and leave nothing behind; but for a lasting sandbox that is somebody else's by
        then (LeaseLost), which goes on.

        Phases entered: starting, agent (before the agent is told what to do), collecting. Returns when the runner
        reported `ready` and its diff was collected, or when it reported `failed` (then with an empty diff: the caller
        reads `gateway.reports`). The time limit does not run while the gateway waits for a provider's rate limit.
        Raises Cancelled, LeaseLost, PithyError (timeout, image_missing, image_build_failed, docker_unreachable,
        container_lost, oom, disk_full, repo_analysis for a repository too large for the sandbox, internal).
        """

    def adopt(self, job: AgentJob, host: AttemptHost) -> Collected:
        """Go on with a sandbox that an earlier owner of the attempt has started, in phase agent or collecting.

        Its log is completed, its time limit kept, a job that it was told is told again. One that has ended or is gone
        counts as well if it had reported `ready` and handed over its diff. Returns and raises as `run` does.
        """

    def end(self, job: AgentJob, host: AttemptHost) -> None:
        """Complete the log of a sandbox that an earlier owner has started, and remove it; one that is gone is fine.

        Raises PithyError (docker_unreachable), LeaseLost.
        """

    def verify(self, job: VerifyJob, host: AttemptHost) -> list[VerifyRun]:
        """Run the commands in order in a fresh sandbox without gateway, job or keys; leave nothing behind.

        Enters no phase. One result a command; a command that exceeds its time ends the sandbox, those after it are
        not run. What a command leaves running is ended before the next one starts.
        Raises as `run` does, for what is not a command's own end.
        """

    def environment_key(self, host: AttemptHost, network: str = "sealed") -> str:
        """What the result of a verify command depends on besides commit and command: the image, made if need be.

        Raises as `run` does before a sandbox starts.
        """

    def sandboxes(self, instance: str) -> list[Sandbox]:
        """What exists now under this instance's label. Raises PithyError (docker_unreachable)."""

    def remove(self, handle: str) -> None:
        """Remove one; one that is gone is fine."""

    def sweep(self, instance: str, before_ms: int) -> list[str]:
        """Remove what else has this instance's label and was made before that time (ms since 1970) and is in no use.

        Returns what was removed, in words. Raises PithyError (docker_unreachable, internal).
        """

    def close(self) -> None:
        """Give up connections. Idempotent."""
