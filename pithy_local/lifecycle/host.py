"""The attempt's side that executors and reports talk to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pithy_local.door.gateway import Gateway
from pithy_local.errors import Cancelled, LeaseLost, Left, Parked, PithyError
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.models import Phase, Stream
from pithy_local.store.lease import Lease

VERIFY_ROLES = ("-vbase", "-vpatch")
"""Ends of the names of sandboxes that are not the agent's."""

NOTHING_YET = (Phase.PREPARING, Phase.STARTING)
"""Phases in which nothing of the agent has run."""
IN_SANDBOX = (Phase.AGENT, Phase.COLLECTING)
"""Phases in which all there is lies in the agent's sandbox."""
GRACE_SECONDS = 15.0
"""What an adopter gives an agent whose time is over: it may have ended in time, with nobody there to be told."""
DRIFT_MS = 1_000
"""A time limit is written down anew when it moved by this: by a wait for a rate limit, or a machine that slept."""


class Host:
    """One attempt's lease, log and services behind the protocol of `executors.base.AttemptHost`."""

    def __init__(self, lease: Lease, *, on_phase: Callable[[Phase], None]) -> None:
        self.lease = lease
        self.stopping = threading.Event()
        # an accepted change has the phase from the beginning; it can be cancelled until its delivery really begins
        accepted = lease.task.phase is Phase.DELIVERING and lease.task.head_sha is None
        self.phase = lease.task.phase if lease.task.phase and not accepted else Phase.PREPARING
        self._on_phase = on_phase
        self._border = threading.Lock()  # a cancel comes before a phase or after it, never in between
        self._cancelled = False
        self.left = False
        """Whether this process leaves it to an adopter."""
        self._deadline: int | None = None
        self._failure: PithyError | Parked | None = None
        self._effects: dict[str, str] = {}
        self._log: AttemptLog | None = None
        self._gateway: Gateway | None = None

    def attach(self, *, log: AttemptLog | None = None, gateway: Gateway | None = None) -> None:
        """Give what is made after the host: the log needs its `lose`, the gateway needs the log."""
        self._log = log or self._log
        self._gateway = gateway or self._gateway

    @property
    def log(self) -> AttemptLog:
        assert self._log is not None, "attach the log first"
        return self._log

    @property
    def gateway(self) -> Gateway:
        assert self._gateway is not None, "attach the gateway first"
        return self._gateway

    def cancel(self) -> bool:
        """Ask the attempt to end as cancelled: it enters no further phase.

        False when nothing changes by it: the delivery has begun, or the attempt is ending already.
        """
        with self._border:
            if self.phase is Phase.DELIVERING or self.stopping.is_set():
                return False
            self._cancelled = True
            self.stopping.set()
            return True

    def lose(self) -> None:
        """The lease is gone: end without writing anything."""
        self.stopping.set()

    def leave(self, *, lasting: bool) -> None:
        """The process is to end: leave the attempt to whoever adopts it. `lasting`: its sandbox outlives the process.

        What has nothing that could be gone on with goes back to the queue, uncharged.
        """
        with self._border:
            if self.stopping.is_set():
                return
            decided = self.lease.task.phase is Phase.DELIVERING
            if (self.phase in NOTHING_YET and not decided) or (self.phase in IN_SANDBOX and not lasting):
                self._failure = Parked("the process that worked this task was told to end")
            else:
                self.left = True
            self.stopping.set()

    def fail(self, error: PithyError | Parked) -> None:
        """A thread that serves the attempt failed, or found that it cannot go on now: end it with this."""
        with self._border:
            if not self.stopping.is_set():
                self._failure = error
                self.stopping.set()

    def checkpoint(self) -> None:
        if self.stopping.is_set():
            if self._failure is not None:
                raise self._failure
            if self._log is not None and self._log.failure is not None:
                raise self._log.failure
            if self._cancelled:
                raise Cancelled(self.lease.task.id)
            raise Left(self.lease.task.id) if self.left else LeaseLost(self.lease.task.id)

    def still_ours(self) -> bool:
        try:
            self.lease.check()
        except LeaseLost:
            return False
        except (Cancelled, PithyError):
            return True
        return not self.left

    def time_left(self, seconds: float) -> float:
        before = self.lease.standing.deadline
        return seconds if before is None else max((before - self.lease.clock.lease_ms()) / 1000, GRACE_SECONDS)

    def keep_time(self, left: float) -> None:
        at = self.lease.clock.lease_ms() + int(left * 1000)
        if self._deadline is None or abs(at - self._deadline) > DRIFT_MS:
            self.lease.record_deadline(at)
            self._deadline = at

    @property
    def lost(self) -> bool:
        """Whether somebody else has the attempt, or soon will."""
        return self.stopping.is_set() and not self._cancelled and self._failure is None

    def wait(self, seconds: float) -> None:
        """Sleep, unless the attempt must end meanwhile: then `checkpoint` raises."""
        self.stopping.wait(seconds)
        self.checkpoint()

    def enter(self, phase: Phase) -> None:
        with self._border:
            self.checkpoint()
            self.lease.check()
            self.lease.enter(phase)
            self.phase = phase
        self._on_phase(phase)

    def say(self, text: str) -> None:
        self.log.say(text)

    def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
        return self.log.output(stream, data, frame)

    def frames(self, container: str) -> int:
        return self.log.frames_of(container)

    def intend(self, effect: str, key: str) -> None:
        self._effects[effect] = key
        self.lease.intend(effect, key)
        if effect == "create" and not key.endswith(VERIFY_ROLES):
            self.lease.record_container(key)

    def done(self, effect: str, result: str = "") -> None:
        self.lease.done(effect, self._effects[effect], result)
