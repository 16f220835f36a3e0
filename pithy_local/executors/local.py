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
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Result
from pithy_local.door.serving import Loopback
from pithy_local.errors import Cancelled, ErrorCode, PithyError
from pithy_local.executors.base import AttemptHost, Collected, Job, Sandbox
from pithy_local.executors.diff_frame import DiffFrame
from pithy_local.executors.warded import Warded, end_strays
from pithy_local.models import Phase, Stream
from pithy_local.paths import Home, remove_tree, sandbox_half

PYTHON = (sys.executable, "-P", "-s")
"""Neither the current directory nor the user's site-packages: the attempt can write both."""
RUNNER = (*PYTHON, "-m", "runner")
COLLECTOR = (*PYTHON, "-m", "runner.collect")
WARNING = "UNISOLATED: local executor. What the model writes runs as you, on this machine, without a sandbox."
COLLECT_SECONDS = 60.0
_TICK = 0.05
_SERVING_SECONDS = 10.0
_NAME = re.compile(r"(?P<task>[0-9a-z]+)-a(?P<attempt>[0-9]+)")


@dataclass(frozen=True)
class Room:
    """The temporary directory of one attempt. Its name `<task>-a<n>` is also its handle."""

    path: Path

    @property
    def home(self) -> Path:
        return self.path / "home"

    @property
    def job(self) -> Path:
        return self.path / "job.json"

    @property
    def meta(self) -> Path:
        return self.path / "owner.json"

    def make(self, job: Job) -> None:
        """Make it and put the repository in. Raises OSError."""
        self.path.mkdir(mode=0o700, parents=True)
        self.meta.write_text(json.dumps({"instance": job.instance, "fence": job.fence}))
        for folder in (self.home, self.path / "tmp"):
            folder.mkdir()
        with tarfile.open(job.bundle) as bundle:
            if hasattr(tarfile, "data_filter"):  # Python 3.11.4; the bundle is our own, older ones do without
                bundle.extractall(self.path, filter="data")
            else:
                bundle.extractall(self.path)

    def write_job(self, spec: dict[str, Any]) -> None:
        """The job file, complete at once: its appearance starts the runner."""
        content = spec | {"bundle": str(self.path / "repo.git"), "repo": str(self.path / "repo")}
        draft = self.path / "job.json.new"
        draft.write_text(json.dumps(content))
        draft.rename(self.job)

    def sandbox(self, instance: str) -> Sandbox | None:
        """The record of this directory, None for one of another instance."""
        name = _NAME.fullmatch(self.path.name)
        owner, fence = self._owner()
        if name is None or owner not in ("", instance):
            return None
        return Sandbox(
            task=name["task"], attempt=int(name["attempt"]), fence=fence, handle=self.path.name,
            created_ms=self.path.stat().st_ctime_ns // 1_000_000,
        )  # fmt: skip

    def _owner(self) -> tuple[str, int]:
        """Instance and fence; ("", 0) where the maker died before it wrote them, or the attempt spoilt them."""
        try:
            meta = json.loads(self.meta.read_text())
            return str(meta["instance"]), int(meta["fence"])
        except (OSError, ValueError, KeyError, TypeError):
            return "", 0


class LocalExecutor:
    """Implements `Executor` with subprocesses. The gateway is served on 127.0.0.1; its per-attempt token is needed."""

    name = "local"
    isolated = False

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
        """See `Executor.run`. Not raised here: docker_unreachable, image_build_failed, oom."""
        host.say(WARNING)
        host.enter(Phase.STARTING)
        room = Room(self._scratch / f"{job.task}-a{job.attempt}")
        try:
            return self._run(job, host, room)
        except OSError as error:
            raise _local_failure(error) from error
        finally:
            with suppress(Exception):  # the lease may be lost, the disk full: it is removed in any case
                host.intend("remove", room.path.name)
            self.remove(room.path.name)
            with suppress(Exception):
                host.done("remove")

    def _run(self, job: Job, host: AttemptHost, room: Room) -> Collected:
        host.intend("create", room.path.name)
        self.remove(room.path.name)  # what a killed process left of this very attempt
        room.make(job)
        host.done("create", room.path.name)
        token = host.gateway.token
        if not token:
            raise ValueError("any local process can connect to a loopback port: the gateway must ask for a token")
        gateway = Loopback()
        port = self._loop.call(gateway.start(host.gateway.app), _SERVING_SECONDS)
        try:
            env = _environment(room, port, token)
            host.intend("start", room.path.name)
            with self._started(self._runner, env, room, host) as runner:
                host.done("start", str(runner.pid))
                host.enter(Phase.AGENT)
                room.write_job(job.spec)
                if _result(runner, job.limits.seconds, host).outcome != "ready":
                    return Collected(diff=b"")
                host.enter(Phase.COLLECTING)
                return Collected(diff=self._collect(env, room, job.max_diff_bytes, host))
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
        deadline = time.monotonic() + COLLECT_SECONDS
        with Warded(
            self._collector, env=env, cwd=room.path, first_word=b"\n",
            on_out=frame.feed, on_err=lambda data: host.output(Stream.ERR, data),
        ) as collector:  # fmt: skip
            while collector.exit_code is None and not frame.too_large:
                collector.check()
                _stop_if_asked(host, _TICK)
                if time.monotonic() > deadline:
                    raise PithyError(ErrorCode.AGENT_FAILED, f"the diff was not made within {COLLECT_SECONDS:g} s")
            if not frame.too_large:
                collector.read_out()
                if collector.exit_code != 0:
                    message = f"the diff could not be made (exit code {collector.exit_code})"
                    raise PithyError(ErrorCode.AGENT_FAILED, message)
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
        if _NAME.fullmatch(handle) and room.path.exists():
            end_strays(room.home)
            remove_tree(room.path)

    def close(self) -> None:
        """Nothing is held between attempts."""


def _result(runner: Warded, seconds: float, host: AttemptHost) -> Result:
    """The runner's last event. Raises PithyError (timeout, container_lost), Cancelled, LeaseLost."""
    deadline = time.monotonic() + seconds
    reports = host.gateway.reports
    while True:
        code = runner.exit_code
        if reports.settled.is_set() and reports.result is not None:
            return reports.result
        if code is not None:
            message = f"the runner ended with exit code {code} before it had reported a result"
            raise PithyError(ErrorCode.CONTAINER_LOST, message, detail={"exit_code": code})
        left = deadline - time.monotonic()
        if left <= 0:
            raise PithyError(ErrorCode.TIMEOUT, f"the agent was not done within {seconds:g} s")
        runner.check()
        _stop_if_asked(host)
        reports.settled.wait(min(_TICK, left))


def _stop_if_asked(host: AttemptHost, seconds: float = 0.0) -> None:
    """Wait at most `seconds` for a reason to stop; raise it."""
    if host.stopping.wait(seconds):
        host.checkpoint()
        raise Cancelled


def _environment(room: Room, port: int, token: str) -> dict[str, str]:
    """All that the attempt's processes see of this machine's environment, and how they reach the gateway."""
    gateway = f"http://127.0.0.1:{port}"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(room.home),
        "TMPDIR": str(room.path / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(sandbox_half()),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PITHY_JOB": str(room.job),
        "PITHY_HOST_URL": f"{gateway}/host",
        "PITHY_HOST_TOKEN": token,
        "OPENAI_BASE_URL": f"{gateway}/openai/v1",
        "OPENAI_API_KEY": token,
    }


def _local_failure(error: OSError) -> PithyError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PithyError(
            ErrorCode.DISK_FULL, f"no space left for the attempt's files: {error.filename or 'disk full'}"
        )
    return PithyError(ErrorCode.INTERNAL, f"the attempt could not be set up: {error}")
