"""Mock execution: the same runner as a plain subprocess in a temporary directory. UNISOLATED.

What it promises: the environment is scrubbed (no key, no token, no configuration of the user's), the model is reached
through the same gateway, only a diff is taken, and afterwards no process and no directory is left, on Linux also of
programs that fork twice, change their session or ignore SIGTERM, and also after this process was killed. What it does
not promise: anything a container would. The code that runs may read and write whatever the user may, talk to the
network, use all memory, and kill its warden to get away; CPU, memory, process and disk limits are not applied. On
macOS there is no child subreaper: a process that forks twice, leaves its process group and empties its environment
outlives its attempt.
"""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from pithy_local import crash
from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Result
from pithy_local.door.serving import Loopback
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors import commands
from pithy_local.executors.base import (
    AgentJob,
    AttemptHost,
    Collected,
    Job,
    RepositoryJob,
    Sandbox,
    VerifyJob,
    VerifyRun,
)
from pithy_local.executors.deadline import Deadline
from pithy_local.executors.diff_frame import DiffFrame
from pithy_local.executors.handed_over import handed_over
from pithy_local.executors.room import HANDLE, Room
from pithy_local.executors.warded import Warded, end_strays
from pithy_local.executors.warded_place import TICK_SECONDS, WardedPlace, exit_code, stop_if_asked
from pithy_local.models import Phase, Stream
from pithy_local.paths import Home, remove_tree, sandbox_half

PYTHON = (sys.executable, "-P", "-s")
"""Neither the current directory nor the user's site-packages: the attempt can write both."""
RUNNER = (*PYTHON, "-m", "runner")
COLLECTOR = (*PYTHON, "-m", "runner.collect")
WARNING = "UNISOLATED: local executor. What the model writes runs as you, on this machine, without a sandbox."
COLLECT_SECONDS = 60.0
_SERVING_SECONDS = 10.0


class LocalExecutor:
    """Implements `Executor` with subprocesses. The gateway is served on 127.0.0.1; its per-attempt token is needed."""

    name = "local"
    isolated = False
    lasting = False

    def __init__(
        self, home: Home, loop: EventLoop, *, runner: Sequence[str] = RUNNER,
        collector: Sequence[str] = COLLECTOR,
    ) -> None:  # fmt: skip
        self._scratch = home.scratch
        self._loop = loop
        self._runner = tuple(runner)
        self._collector = tuple(collector)

    def check(self) -> None:
        """Raises PithyError (internal) when this Python cannot start another one."""
        try:
            subprocess.run([*PYTHON, "-c", ""], capture_output=True, timeout=30, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise PithyError(ErrorCode.INTERNAL, f"{sys.executable} cannot be started: {error}") from error

    def run(self, job: Job, host: AttemptHost) -> Collected:
        """See `Executor.run`. Not raised here: docker_unreachable, image_missing, image_build_failed, oom."""
        host.say(WARNING)
        host.enter(Phase.STARTING)
        with self._room(job, host) as room, self._gateway(room, host) as env:
            host.intend("start", room.handle)
            with self._started(self._runner, env, room, host) as runner:
                host.done("start", str(runner.pid))
                crash.point("started")
                host.enter(Phase.AGENT)
                crash.point("agent.entered")
                room.write_job(job.spec)
                crash.point("handed_over")
                ended = _result(runner, job.limits.seconds, host)
                crash.point("watched")
                if ended.outcome != "ready":
                    return Collected(diff=b"")
                host.enter(Phase.COLLECTING)
                crash.point("collecting.entered")
                return Collected(diff=self._collect(env, room, job.max_diff_bytes, host))

    def adopt(self, job: AgentJob, host: AttemptHost) -> Collected:
        """Its processes ended with the one that had started them: what they had handed over is left."""
        self.end(job, host)
        return handed_over(host, PithyError(ErrorCode.CONTAINER_LOST, "the sandbox ended with its process"))

    def end(self, job: AgentJob, host: AttemptHost) -> None:
        self.remove(Room.of(self._scratch, job).handle)

    def verify(self, job: VerifyJob, host: AttemptHost) -> list[VerifyRun]:
        """See `Executor.verify`."""
        host.say(WARNING)
        with self._room(job, host) as room:
            place = WardedPlace(room, host)
            commands.check_out(job, place)
            return commands.run_all(job, host, place)

    def environment_key(self, host: AttemptHost, network: str = "sealed") -> str:
        """This machine as it is: nobody knows what on it a command depends on."""
        return self.name

    @contextmanager
    def _room(self, job: RepositoryJob, host: AttemptHost) -> Iterator[Room]:
        """The sandbox's directory with the repository in it; afterwards neither it nor a process of it is left.

        Raises PithyError for an OSError within.
        """
        room = Room.of(self._scratch, job)
        try:
            host.intend("create", room.handle)
            self.remove(room.handle)  # what a killed process left of this very attempt
            room.make(job)
            host.done("create", room.handle)
            yield room
        except OSError as error:
            raise _local_failure(error) from error
        finally:
            with suppress(Exception):  # the lease may be lost, the disk full: it is removed in any case
                host.intend("remove", room.handle)
            self.remove(room.handle)
            with suppress(Exception):
                host.done("remove")

    @contextmanager
    def _gateway(self, room: Room, host: AttemptHost) -> Iterator[dict[str, str]]:
        """Serve the attempt's gateway on loopback; the environment that leads the runner to it."""
        token = host.gateway.token
        if not token:
            raise ValueError("any local process can connect to a loopback port: the gateway must ask for a token")
        gateway = Loopback()
        port = self._loop.call(gateway.start(host.gateway.app), _SERVING_SECONDS)
        try:
            yield _environment(room, port, token)
        finally:
            self._loop.call(gateway.close(), _SERVING_SECONDS)

    def _started(self, command: Sequence[str], env: dict[str, str], room: Room, host: AttemptHost) -> Warded:
        return Warded(
            command, env=env, cwd=room.path,
            on_out=lambda data: host.output(Stream.OUT, data), on_err=lambda data: host.output(Stream.ERR, data),
        )  # fmt: skip

    def _collect(self, env: dict[str, str], room: Room, limit: int, host: AttemptHost) -> bytes:
        """The canonical diff, made by git next to the work tree in processes that end with it; `limit` in bytes.

        Raises PithyError (policy, agent_failed), Cancelled, LeaseLost.
        """
        frame = DiffFrame(limit)
        with Warded(
            self._collector, env=env, cwd=room.path, first_word=b"\n",
            on_out=frame.feed, on_err=lambda data: host.output(Stream.ERR, data),
        ) as collector:  # fmt: skip
            code = exit_code(collector, host, COLLECT_SECONDS, enough=lambda: frame.too_large)
        if not frame.too_large and code != 0:
            why = f"within {COLLECT_SECONDS:g} s" if code is None else f"(exit code {code})"
            raise PithyError(ErrorCode.AGENT_FAILED, f"the diff could not be made {why}")
        return frame.diff()

    def sandboxes(self, instance: str) -> list[Sandbox]:
        """The directories of attempts that exist in this home."""
        found = []
        for path in self._scratch.glob("*-a*/"):
            with suppress(FileNotFoundError):  # removed by its owner meanwhile
                found.append(Room(path).sandbox(instance))
        return [sandbox for sandbox in found if sandbox is not None]

    def remove(self, handle: str) -> None:
        """End what still runs of it and remove its directory; one that is gone is fine."""
        room = Room(self._scratch / handle)
        if HANDLE.fullmatch(handle) and room.path.exists():
            end_strays(room.home)
            remove_tree(room.path)

    def sweep(self, instance: str, before_ms: int) -> list[str]:
        """There is nothing but sandboxes."""
        return []

    def close(self) -> None:
        """Nothing is held between attempts."""


def _result(runner: Warded, seconds: float, host: AttemptHost) -> Result:
    """The runner's last event. Raises PithyError (timeout, container_lost), Cancelled, LeaseLost."""
    gateway = host.gateway
    deadline = Deadline(seconds, lambda: gateway.waited)
    while True:
        code = runner.exit_code
        if gateway.reports.settled.is_set() and gateway.reports.result is not None:
            return gateway.reports.result
        if code is not None:
            message = f"the runner ended with exit code {code} before it had reported a result"
            raise PithyError(ErrorCode.CONTAINER_LOST, message, detail={"exit_code": code})
        deadline.check()
        runner.check()
        stop_if_asked(host)
        gateway.reports.settled.wait(TICK_SECONDS)


def _environment(room: Room, port: int, token: str) -> dict[str, str]:
    """What the runner sees besides: how it reaches the gateway."""
    gateway = f"http://127.0.0.1:{port}"
    return room.environment() | {
        "PYTHONPATH": str(sandbox_half()),
        "PITHY_JOB": str(room.job),
        "PITHY_HOST_URL": f"{gateway}/host",
        "PITHY_HOST_TOKEN": token,
        "OPENAI_BASE_URL": f"{gateway}/openai/v1",
        "OPENAI_API_KEY": token,
        "ANTHROPIC_BASE_URL": f"{gateway}/anthropic",
        "ANTHROPIC_API_KEY": token,
    }


def _local_failure(error: OSError) -> PithyError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PithyError(
            ErrorCode.DISK_FULL, f"no space left for the attempt's files: {error.filename or 'disk full'}"
        )
    return PithyError(ErrorCode.INTERNAL, f"the attempt could not be set up: {error}")
