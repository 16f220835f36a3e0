"""One attempt's sandbox from its start to its removal: bundle in, door open, watched, diff out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from docker.errors import NotFound

from pithy_local.door.loop import EventLoop
from pithy_local.door.relay import Relay
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, PithyError
from pithy_local.executors import container
from pithy_local.executors.base import AttemptHost, Job
from pithy_local.executors.channel import Channels
from pithy_local.executors.container import AGENT_USER, BUNDLE, DOOR_USER, JOB_FILE, REPO, WORK
from pithy_local.executors.engine import Engine, engine_errors
from pithy_local.executors.logs import LogFollower

TICK_SECONDS = 0.1
LOOK_SECONDS = 2.0
"""How often the engine is asked whether the container lives; the end of its log is the faster sign."""
PUT_SECONDS = 300.0
COLLECT_SECONDS = 120.0
TAIL_SECONDS = 10.0
DOORS = 3
"""A door that was killed inside is opened again, so often in all."""
DOOR_COMMAND = ["python3", "-I", "-S", "/opt/pithy/runner/door.py"]
COLLECT_COMMAND = ["python3", "-m", "runner.collect"]
# Reads all that comes also when tar has given up: else the engine cuts the stream, and tar's last words with it.
UNPACK = f'cd {WORK} && mkdir -p home cache && head -c "$1" | {{ tar -x; code=$?; cat > /dev/null; exit $code; }}'
HAND_OVER = f'head -c "$1" > {JOB_FILE}.new && mv {JOB_FILE}.new {JOB_FILE}'


class Session:
    """A running sandbox. Leaving the `with` block ends every process of it and removes it, whatever happened."""

    def __init__(self, engine: Engine, loop: EventLoop, image: str, job: Job, host: AttemptHost) -> None:
        self._engine, self._loop, self._job, self._host = engine, loop, job, host
        self._relay: Relay | None = None
        self._doors = 0
        self.container = container.launch(engine, image, job, host)
        self._channels = Channels(engine, loop, self.container, host.checkpoint)
        self._log = LogFollower(self.container, host.output)

    def __enter__(self) -> Self:
        limits = self._job.limits
        words = f"no network, CPU limit {limits.cpus:g}, {limits.memory >> 20} MiB of memory"
        try:
            self._log.start()
            self._host.say(f"sandbox {self.container[:12]} runs: {words}")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._stop()
        finally:
            self._remove()

    def put_in(self) -> None:
        """The repository, as a bare one at BUNDLE."""
        with self._explained("put the repository into the sandbox"):
            self._channels.put(UNPACK, AGENT_USER, self._job.bundle, PUT_SECONDS)

    def open_door(self) -> None:
        """The sandbox's one way out. Before the job: the runner finds the host listening."""
        self._doors += 1
        with self._explained("open the sandbox's door"):
            transport = self._channels.open(DOOR_COMMAND, DOOR_USER)
            self._relay = Relay(transport, self._host.gateway.app)
            self._channels.wait(self._relay.start(), seconds=30)

    def hand_over(self) -> None:
        """The job, last of all: its arrival starts the runner."""
        spec = {**self._job.spec, "bundle": BUNDLE, "repo": REPO}
        with self._explained("hand the job over"):
            self._channels.put(HAND_OVER, AGENT_USER, json.dumps(spec).encode(), PUT_SECONDS)

    def watch(self) -> None:
        """Return when the runner has reported its result.

        Raises PithyError (timeout, oom, container_lost, docker_unreachable), Cancelled, LeaseLost.
        """
        settled = self._host.gateway.reports.settled
        deadline = time.monotonic() + self._job.limits.seconds
        look = 0.0
        while not settled.wait(TICK_SECONDS):
            self._host.checkpoint()
            now = time.monotonic()
            if now >= deadline:
                message = f"the agent was not done after {self._job.limits.seconds:.0f} s and was ended"
                raise PithyError(ErrorCode.TIMEOUT, message)
            if self._log.ended.is_set() or now >= look:
                look = now + LOOK_SECONDS
                self._raise_if_dead()
            if self._relay is not None and self._relay.closed.is_set():
                self._reopen_door(self._relay)

    def collect(self) -> bytes:
        """The canonical diff, made by git in the sandbox. Nothing in it is trusted."""
        with self._explained("collect the diff"):
            return self._channels.collect(COLLECT_COMMAND, AGENT_USER, self._job.max_diff_bytes, COLLECT_SECONDS)

    def _reopen_door(self, relay: Relay) -> None:
        self._raise_if_dead()
        if self._doors >= DOORS:
            raise PithyError(
                ErrorCode.CONTAINER_LOST, "the sandbox's door was shut from inside", detail={"reason": str(relay.error)}
            )
        self._host.say(f"the sandbox's door shut ({relay.error}); opening it again")
        self.open_door()

    def _raise_if_dead(self) -> None:
        """Raises PithyError (oom, container_lost) when the container has ended or is gone."""
        with engine_errors("look at the sandbox"):
            try:
                state = self._engine.api.inspect_container(self.container)["State"]
            except NotFound:
                raise PithyError(ErrorCode.CONTAINER_LOST, "somebody removed the sandbox while it ran") from None
        if state["Running"]:
            return
        exit_code = int(state["ExitCode"])
        detail = {"exit_code": exit_code}
        if state.get("OOMKilled"):
            message = f"the sandbox used all of its memory ({self._job.limits.memory >> 20} MiB)"
            raise PithyError(ErrorCode.OOM, message, detail=detail)
        raise PithyError(ErrorCode.CONTAINER_LOST, f"the sandbox ended with exit code {exit_code}", detail=detail)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """What went wrong in a transfer, or the container's own end, where that is the cause."""
        try:
            yield
        except (PithyError, OSError, TimeoutError) as error:
            self._raise_if_dead()
            if isinstance(error, PithyError):
                raise
            code = ErrorCode.TIMEOUT if isinstance(error, TimeoutError) else ErrorCode.INTERNAL
            raise PithyError(code, f"could not {what}: {error}"[:500]) from error

    def _stop(self) -> None:
        """End every process of it; nothing it wrote is lost."""
        dead = self._tried("end the sandbox", lambda: container.kill(self._engine, self.container))
        self._tried("read the rest of its log", lambda: self._log.complete(TAIL_SECONDS if dead else TICK_SECONDS))
        relay = self._relay
        if relay is not None:
            self._tried("close its door", lambda: self._loop.call(relay.aclose(), timeout=TAIL_SECONDS))

    def _remove(self) -> None:
        with suppress(Exception):  # a lost lease, a full disk: it is ours by its id, and must go all the same
            self._host.intend("remove", self.container)
        if self._tried("remove the sandbox", lambda: container.remove(self._engine, self.container)):
            with suppress(Exception):
                self._host.done("remove", self.container)

    def _tried(self, what: str, action: Callable[[], object]) -> bool:
        """A failure while clearing up is told, and does not hide why the attempt ended; the reaper finds the rest."""
        try:
            action()
        except (PithyError, OSError, TimeoutError) as error:
            with suppress(LeaseLost, Cancelled):
                self._host.say(f"could not {what}: {error}")
            return False
        return True
