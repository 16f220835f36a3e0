"""An attempt's sandbox: bundle in, door open, job handed over, watched, diff out."""

from __future__ import annotations

import json
import time

from pithy_local.door.loop import EventLoop
from pithy_local.door.relay import Relay
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors import container
from pithy_local.executors.base import AttemptHost, Job
from pithy_local.executors.container import AGENT_USER, BUNDLE, DOOR_USER, JOB_FILE, REPO
from pithy_local.executors.deadline import Deadline
from pithy_local.executors.engine import Engine
from pithy_local.executors.logs import LogFollower
from pithy_local.executors.session import PUT_SECONDS, TICK_SECONDS, Session

LOOK_SECONDS = 2.0
"""How often the engine is asked whether the container lives; the end of its log is the faster sign."""
COLLECT_SECONDS = 120.0
TAIL_SECONDS = 10.0
DOORS = 3
"""A door that was killed inside is opened again, so often in all."""
DOOR_COMMAND = ["python3", "-I", "-S", "/opt/pithy/runner/door.py"]
COLLECT_COMMAND = ["python3", "-m", "runner.collect"]
HAND_OVER = f'head -c "$1" > {JOB_FILE}.new && mv {JOB_FILE}.new {JOB_FILE}'


class AgentSession(Session):
    """The runner's sandbox. Call the methods in their order here."""

    def __init__(self, engine: Engine, loop: EventLoop, image: str, job: Job, host: AttemptHost) -> None:
        super().__init__(engine, loop, image, job, host)
        self._spec, self._max_diff_bytes = job.spec, job.max_diff_bytes
        self._relay: Relay | None = None
        self._doors = 0
        self._log = LogFollower(self.container, host.output)

    def open_door(self) -> None:
        """The sandbox's one way out. Before the job: the runner finds the host listening."""
        self._doors += 1
        with self._explained("open the sandbox's door"):
            transport = self._channels.open(DOOR_COMMAND, DOOR_USER)
            self._relay = Relay(transport, self._host.gateway.app)
            self._channels.wait(self._relay.start(), seconds=30)

    def hand_over(self) -> None:
        """The job, last of all: its arrival starts the runner."""
        spec = {**self._spec, "bundle": BUNDLE, "repo": REPO}
        with self._explained("hand the job over"):
            self._channels.put(HAND_OVER, AGENT_USER, json.dumps(spec).encode(), PUT_SECONDS)

    def watch(self) -> None:
        """Return when the runner has reported its result.

        Raises PithyError (timeout, oom, container_lost, docker_unreachable), Cancelled, LeaseLost.
        """
        gateway = self._host.gateway
        deadline = Deadline(self._limits.seconds, lambda: gateway.waited)
        look = 0.0
        while not gateway.reports.settled.wait(TICK_SECONDS):
            self._host.checkpoint()
            deadline.check()
            now = time.monotonic()
            if self._log.ended.is_set() or now >= look:
                look = now + LOOK_SECONDS
                self._raise_if_dead()
            if self._relay is not None and self._relay.closed.is_set():
                self._reopen_door(self._relay)

    def collect(self) -> bytes:
        """The canonical diff, made by git in the sandbox. Nothing in it is trusted."""
        with self._explained("collect the diff"):
            return self._channels.collect(COLLECT_COMMAND, AGENT_USER, self._max_diff_bytes, COLLECT_SECONDS)

    def _reopen_door(self, relay: Relay) -> None:
        self._raise_if_dead()
        if self._doors >= DOORS:
            raise PithyError(
                ErrorCode.CONTAINER_LOST, "the sandbox's door was shut from inside", detail={"reason": str(relay.error)}
            )
        self._host.say(f"the sandbox's door shut ({relay.error}); opening it again")
        self.open_door()

    def _begin(self) -> None:
        self._log.start()

    def _stop(self) -> None:
        """End every process of it; nothing it wrote is lost."""
        dead = self._tried("end the sandbox", lambda: container.kill(self._engine, self.container))
        self._tried("read the rest of its log", lambda: self._log.complete(TAIL_SECONDS if dead else TICK_SECONDS))
        relay = self._relay
        if relay is not None:
            self._tried("close its door", lambda: self._loop.call(relay.aclose(), timeout=TAIL_SECONDS))
