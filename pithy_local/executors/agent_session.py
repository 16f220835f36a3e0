"""An attempt's sandbox: bundle in, door open, job handed over, watched, diff out."""

from __future__ import annotations

import json
import time
from functools import cached_property

from pithy_local.door.loop import EventLoop
from pithy_local.door.relay import Relay
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.executors import container
from pithy_local.executors.base import AgentJob, AttemptHost
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
# Moved only when it is whole: the stream ends early, too, when the host dies while it writes, and an earlier one's may
# still be writing.
HAND_OVER = f'new={JOB_FILE}.$$; head -c "$1" > "$new" && test "$(wc -c < "$new")" -eq "$1" && mv "$new" {JOB_FILE}'


class AgentSession(Session):
    """The runner's sandbox. Call `put_in` where it is a new one, then the methods in their order here."""

    def __init__(self, engine: Engine, loop: EventLoop, sandbox: str, job: AgentJob, host: AttemptHost) -> None:
        super().__init__(engine, loop, sandbox, job, host)
        self._spec, self._max_diff_bytes = job.spec, job.max_diff_bytes
        self._relay: Relay | None = None
        self._doors = 0
        self._log = LogFollower(self.container, host.output, host.frames(self.container))

    def open_door(self) -> None:
        """The sandbox's one way out. Before the job: the runner finds the host listening."""
        self._doors += 1
        self._await_unpaused()
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
        gateway, deadline = self._host.gateway, self._deadline
        look = 0.0
        while not gateway.reports.settled.wait(TICK_SECONDS):
            self._host.checkpoint()
            deadline.check()
            now = time.monotonic()
            if self._log.ended.is_set() or now >= look:
                look = now + LOOK_SECONDS
                self._raise_if_dead()
                self._host.keep_time(deadline.left)
            if self._relay is not None and self._relay.closed.is_set():
                self._reopen_door(self._relay)

    def collect(self) -> bytes:
        """The canonical diff, made by git in the sandbox. Nothing in it is trusted."""
        with self._explained("collect the diff"):
            return self._channels.collect(COLLECT_COMMAND, AGENT_USER, self._max_diff_bytes, COLLECT_SECONDS)

    @cached_property
    def _deadline(self) -> Deadline:
        """Runs from the first door on."""
        gateway, seconds = self._host.gateway, self._limits.seconds
        return Deadline(seconds, lambda: gateway.waited, self._host.time_left(seconds))

    def _await_unpaused(self) -> None:
        """A user's `docker pause` is a user's to end; the agent's time runs on."""
        told = False
        while self._state().get("Paused"):
            if not told:
                self._host.say(f"the sandbox is paused: waiting for `docker unpause {self.container[:12]}`")
            told = True
            self._deadline.check()
            self._host.checkpoint()
            time.sleep(TICK_SECONDS)

    def _reopen_door(self, relay: Relay) -> None:
        if not self._host.still_ours():
            raise LeaseLost  # a process that was stopped for long: the adopter's door is there by now
        self._raise_if_dead()
        if self._doors >= DOORS:
            raise PithyError(
                ErrorCode.CONTAINER_LOST, "the sandbox's door was shut from inside", detail={"reason": str(relay.error)}
            )
        self._host.say(f"the sandbox's door shut ({relay.error}); opening it again")
        self.open_door()

    def _begin(self) -> None:
        self._log.start()

    def _is_left(self, error: BaseException | None) -> bool:
        away = isinstance(error, PithyError) and error.code is ErrorCode.DOCKER_UNREACHABLE
        return away or isinstance(error, LeaseLost) or not self._host.still_ours()

    def _leave(self) -> None:
        self._log.stop(TAIL_SECONDS)
        self._close_door()

    def _stop(self) -> None:
        """End every process of it; nothing it wrote is lost."""
        dead = self._tried("end the sandbox", lambda: container.kill(self._engine, self.container))
        self._tried("read the rest of its log", lambda: self._log.complete(TAIL_SECONDS if dead else TICK_SECONDS))
        self._close_door()

    def _close_door(self) -> None:
        relay = self._relay
        if relay is not None:
            self._tried("close its door", lambda: self._loop.call(relay.aclose(), timeout=TAIL_SECONDS))
