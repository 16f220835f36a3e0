"""A sandbox from its start to its removal, whatever it is for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from docker.errors import NotFound

from pithy_local import crash
from pithy_local.door.loop import EventLoop
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, PithyError
from pithy_local.executors import container
from pithy_local.executors.base import AttemptHost, RepositoryJob, SandboxJob
from pithy_local.executors.channel import Channels
from pithy_local.executors.container import AGENT_USER, WORK, MiB
from pithy_local.executors.engine import Engine, engine_errors

TICK_SECONDS = 0.1
DYING_SECONDS = 2.0
PUT_SECONDS = 300.0
# Reads all that comes also when tar has given up: else the engine cuts the stream, and tar's last words with it.
UNPACK = f'cd {WORK} && mkdir -p home cache && head -c "$1" | {{ tar -x; code=$?; cat > /dev/null; exit $code; }}'
COPIES = 2
"""The bundle stays where it was unpacked, and is cloned beside it."""
_NETWORK_WORDS = {"sealed": "no network", "open": "open network: not sealed"}


class Session:
    """A container, from here on in this process' hands. Leaving the `with` block ends every process of it and removes
    it, whatever happened; but not where an adopter has it by then."""

    def __init__(self, engine: Engine, loop: EventLoop, sandbox: str, job: SandboxJob, host: AttemptHost) -> None:
        """`sandbox`: the container's id."""
        self._engine, self._loop, self._host = engine, loop, host
        self._limits, self.container = job.limits, sandbox
        self._channels = Channels(engine, loop, sandbox, host.checkpoint)

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._is_left(error):
            self._leave()
            return
        try:
            self._stop()
        finally:
            self._remove()

    def put_in(self, bundle: Path) -> None:
        """The repository, as a bare one at BUNDLE. Raises PithyError (repo_analysis: too large for the sandbox, …)."""
        with self._explained("put the repository into the sandbox"), self._fits(bundle):
            self._channels.put(UNPACK, AGENT_USER, bundle, PUT_SECONDS)

    def _is_left(self, error: BaseException | None) -> bool:
        """Whether the container belongs to whoever adopts it; what nobody adopts is ours to the end."""
        return False

    def _leave(self) -> None:
        """Let go of a container that goes on."""

    def _begin(self) -> None:
        """What starts with the container; undone by `_stop`."""

    def _stop(self) -> None:
        """What is to be done before the removal, which ends every process of it."""

    @contextmanager
    def _fits(self, bundle: Path) -> Iterator[None]:
        """A full disk within is the repository's size."""
        try:
            yield
        except PithyError as error:
            if error.code is not ErrorCode.DISK_FULL:
                raise
            raise _too_large(bundle.stat().st_size, self._limits.disk, error.detail) from error

    def _raise_if_dead(self) -> None:
        """Raises PithyError (oom, container_lost) when the container has ended or is gone."""
        state = self._state()
        if state["Running"]:
            return
        exit_code = int(state["ExitCode"])
        detail = {"exit_code": exit_code}
        if state.get("OOMKilled"):
            message = f"the sandbox used all of its memory ({self._limits.memory // MiB} MiB)"
            raise PithyError(ErrorCode.OOM, message, detail=detail)
        raise PithyError(ErrorCode.CONTAINER_LOST, f"the sandbox ended with exit code {exit_code}", detail=detail)

    def _state(self) -> Mapping[str, Any]:
        """The engine's word on the container. Raises PithyError (container_lost) when it is gone."""
        with engine_errors("look at the sandbox"):
            try:
                state: Mapping[str, Any] = self._engine.api.inspect_container(self.container)["State"]
            except NotFound:
                raise PithyError(ErrorCode.CONTAINER_LOST, "somebody removed the sandbox while it ran") from None
        return state

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """What went wrong in a transfer, or the container's own end, where that is the cause."""
        try:
            yield
        except (PithyError, OSError, TimeoutError) as error:
            self._raise_if_dead()
            if isinstance(error, PithyError):
                if error.code is ErrorCode.CONTAINER_LOST:
                    self._await_death()
                raise
            code = ErrorCode.TIMEOUT if isinstance(error, TimeoutError) else ErrorCode.INTERNAL
            raise PithyError(code, f"could not {what}: {error}"[:500]) from error

    def _await_death(self) -> None:
        """Processes and streams of a container end before the engine shows that it is being ended. Raises as
        `_raise_if_dead`, if that is what it was."""
        for _ in range(int(DYING_SECONDS / TICK_SECONDS)):
            time.sleep(TICK_SECONDS)
            self._raise_if_dead()

    def _remove(self) -> None:
        with suppress(Exception):  # a lost lease, a full disk: it is ours by its id, and must go all the same
            self._host.intend("remove", self.container)
        if self._tried("remove the sandbox", lambda: container.remove(self._engine, self.container)):
            with suppress(Exception):
                self._host.done("remove", self.container)
            crash.point("removed")

    def _tried(self, what: str, action: Callable[[], object]) -> bool:
        """A failure while clearing up is told, and does not hide why the attempt ended; the reaper finds the rest."""
        try:
            action()
        except (PithyError, OSError, TimeoutError) as error:
            with suppress(LeaseLost, Cancelled):
                self._host.say(f"could not {what}: {error}")
            return False
        return True


def must_fit(job: RepositoryJob) -> None:
    """Raises PithyError (repo_analysis) when the job's repository cannot fit into its sandbox."""
    size = job.bundle.stat().st_size
    if size * COPIES > job.limits.disk:
        raise _too_large(size, job.limits.disk)


def describe(job: SandboxJob) -> str:
    """What a sandbox may use, in words."""
    limits = job.limits
    return f"{_NETWORK_WORDS[job.network]}, CPU limit {limits.cpus:g}, {limits.memory // MiB} MiB of memory"


def _too_large(size: int, disk: int, detail: Mapping[str, Any] = MappingProxyType({})) -> PithyError:
    message = (
        f"the repository is too large for the sandbox: {_mebibytes(size)} packed, and the sandbox's disk of "
        f"{_mebibytes(disk)} must hold that, its clone and its files"
    )
    hint = "Raise `sandbox.disk` (it counts as memory: `sandbox.memory` too), then `pithy-local retry ID`."
    return PithyError(ErrorCode.REPO_ANALYSIS, message, hint=hint, detail=detail)


def _mebibytes(size: int) -> str:
    return f"{size / MiB:,.1f} MiB"
