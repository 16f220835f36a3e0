"""How an attempt ends: settled, with the reason, or queued again, uncharged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pithy_local import crash
from pithy_local.clock import iso
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, Parked, PithyError
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.host import NOTHING_YET, Host
from pithy_local.lifecycle.outcome import and_again, status_of, told
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, TaskError

SETTLE_MS, SETTLE_PAUSE = 60_000, 0.2
"""How long an attempt's end is tried to be written, and the seconds between two tries."""
MAX_PARKED_MS = 24 * 3_600_000
"""A task that was asked for a day ago and still meets the rate limit has failed."""
ENGINE_PAUSE = 1.0
"""Seconds until somebody goes on with what the engine has kept from going on."""


class Ending:
    """Writes the end of one attempt: the log first, so that it is complete when the status says that it is over."""

    def __init__(self, bench: Workbench, host: Host, artifacts: Artifacts) -> None:
        self._bench, self._host, self._artifacts = bench, host, artifacts
        self._task = host.lease.task

    def park(self, parked: Parked) -> None:
        """Back to the queue; cancelled, where that was asked for meanwhile."""
        started = self._task.started_at or self._task.created_at
        if parked.until and self._bench.clock.now_ms() - started > MAX_PARKED_MS:
            self.fail(PithyError(parked.code, f"{parked.words}, for more than a day now"))
            return
        until = f" until {iso(parked.until)}" if parked.until else ""
        try:
            self._written(self._host.lease.check)
            self._host.log.close(last=f"queued again{until}, this attempt is not charged: {parked.words}")
            self._written(lambda: self._host.lease.requeue(not_before=parked.until))
        except Cancelled:
            self.settle(Status.CANCELLED, None, "cancelled")

    def await_engine(self, error: PithyError) -> None:
        """The engine went away: whoever finds it again goes on with what there is, else begins anew."""
        words = f"{error.message}: waiting for it"
        if self._host.phase in NOTHING_YET:
            until = self._bench.clock.now_ms() + int(ENGINE_PAUSE * 1000)
            self.park(Parked(words, until=until, code=error.code))
            return
        self._host.log.leave(words)
        self._host.stopping.wait(ENGINE_PAUSE)
        self._written(self._host.lease.hand_back)

    def leave(self) -> None:
        """This process ends: the attempt goes on without it, and with whoever adopts it."""
        self._host.log.leave("this process ends; another one goes on with the attempt")
        self._written(self._host.lease.hand_back)

    def fail(self, error: PithyError) -> None:
        """Settle with the status that the error's code means."""
        said = told(error, self._task.id, self._bench.redactor.mask)
        said = replace(said, detail=said.detail | self._artifacts.rejected_detail())
        status = status_of(error.code)
        if status is Status.FAILED:
            said = replace(said, hint=and_again(said.hint, self._task.id, made=self._host.phase is Phase.DELIVERING))
        self.settle(status, said, f"{status.value.replace('_', ' ')}: {said.message} [{said.code}]")

    def settle(self, status: Status, error: TaskError | None, words: str) -> None:
        """Settle, with `words` as the log's last line."""
        crash.point("settling")
        self._host.log.close(last=words)
        question = error.message if error and status is Status.NEEDS_CLARIFICATION else None

        def end() -> None:
            self._host.log.make_up(words)  # where there is room for the end there may be for its line
            self._host.lease.settle(status, error, question=question)

        self._written(end)
        crash.point("settled")

    def _written(self, write: Callable[[], None]) -> None:
        """How it ended is known here alone: a locked store and a full disk are waited for."""
        clock = self._bench.clock
        deadline = clock.lease_ms() + SETTLE_MS
        while True:
            try:
                return write()
            except LeaseLost:
                return None  # the new owner says how it ends
            except PithyError as problem:
                if problem.code not in (ErrorCode.STORE, ErrorCode.DISK_FULL) or clock.lease_ms() > deadline:
                    raise
            clock.sleep(SETTLE_PAUSE)
