"""The attempt's side that executors and reports talk to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pithy_local.door.gateway import Gateway
from pithy_local.errors import Cancelled, LeaseLost, Parked, PithyError
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.models import Phase, Stream
from pithy_local.store.lease import Lease

VERIFY_ROLES = ("-vbase", "-vpatch")
"""Ends of the names of sandboxes that are not the agent's."""


class Host:
    """One attempt's lease, log and services behind the protocol of `executors.base.AttemptHost`."""

    def __init__(self, lease: Lease, *, on_phase: Callable[[Phase], None]) -> None:
        self.lease = lease
        self.stopping = threading.Event()
        # an accepted change has the phase from the beginning; it can be cancelled until its delivery really begins
        begun = lease.task.phase is Phase.DELIVERING and lease.task.head_sha is not None
        self.phase = Phase.DELIVERING if begun else Phase.PREPARING
        self._on_phase = on_phase
        self._border = threading.Lock()  # a cancel comes before a phase or after it, never in between
        self._cancelled = False
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
            raise Cancelled(self.lease.task.id) if self._cancelled else LeaseLost(self.lease.task.id)

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

    def output(self, stream: Stream, data: bytes) -> None:
        self.log.output(stream, data)

    def intend(self, effect: str, key: str) -> None:
        self._effects[effect] = key
        self.lease.intend(effect, key)
        if effect == "create" and not key.endswith(VERIFY_ROLES):
            self.lease.record_container(key)

    def done(self, effect: str, result: str = "") -> None:
        self.lease.done(effect, self._effects[effect], result)
