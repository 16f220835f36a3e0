"""What a dead process left behind: where nothing had begun it is queued again, else left, in its phase, to whoever
claims it next. What lies around is the reaper's.

The leader does this at once. Every other process watches, too, and does it where the leader did not: that one may be
stopped, or hang. Two at once do no harm: the fence lets one of them through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, PithyError
from pithy_local.executors.base import Sandbox
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.lifecycle.host import NOTHING_YET
from pithy_local.lifecycle.outcome import told
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, Task, TaskError
from pithy_local.store.calls import Calls
from pithy_local.store.lease import Lease
from pithy_local.store.orphans import OURS
from pithy_local.store.processes import OwnedTask, Processes
from pithy_local.store.standing import FULL, LEAST, TOO_MANY
from pithy_local.store.tasks import Tasks

SILENT_MS = 15_000
"""A living process whose lease ran out has this time to beat: a machine that wakes up recovers before it beats."""
FOLLOWER_MS = 45_000
"""What the leader did not recover for so long is recovered by any other."""
UNCOUNTED = (Phase.AGENT, Phase.CANCELLING)
"""Phases in which the death of an owner says nothing against the task: it had only watched a sandbox, or ended it."""


class Recovery:
    """Recovers orphans as the process `owner`; `say` gets a line for each. Keep one for the life of a process."""

    def __init__(self, bench: Workbench, owner: str, say: Callable[[str], None]) -> None:
        self.bench, self.owner, self.say = bench, owner, say
        self.tasks = Tasks(bench.store)
        self._since: dict[tuple[str, int], int] = {}
        """When each orphan, by task and fence, was seen first."""

    def tick(self, mine: Collection[str], *, leads: bool) -> dict[str, PithyError]:
        """Deal with what has no living owner. `mine`: the ids of what runs in this process.

        Returns why orphans had to be left, by task: an engine that does not answer keeps its tasks as they are, and
        the next tick tries again.
        """
        processes, now = Processes(self.bench.store), self.bench.clock.lease_ms()
        orphans = {
            (owned.task.id, owned.task.fence): owned for owned in processes.owned() if self._is_orphan(owned, mine)
        }
        self._since = {key: self._since.get(key, now) for key in orphans}
        problems: dict[str, PithyError] = {}
        for key, orphan in orphans.items():
            if now - self._since[key] < self._patience(orphan, leads):
                continue
            try:
                self._recover(orphan)
            except PithyError as error:
                problems[orphan.task.id] = error
            except (LeaseLost, Cancelled):  # taken over or cancelled in this moment: the next tick sees how it stands
                continue
        if leads:
            processes.forget_dead()
        return problems

    def _is_orphan(self, owned: OwnedTask, mine: Collection[str]) -> bool:
        """Its owner is dead, or is this very process, which could not write down how the attempt ended."""
        if owned.owner == self.owner:
            return owned.task.id not in mine
        return not owned.owner_alive

    def _patience(self, orphan: OwnedTask, leads: bool) -> int:
        """Milliseconds for which it is only watched."""
        if orphan.owner == self.owner:
            return 0
        if not leads:
            return FOLLOWER_MS
        return SILENT_MS if orphan.silent else 0

    def _recover(self, orphan: OwnedTask) -> None:
        task, processes = orphan.task, Processes(self.bench.store)
        boxes = [] if task.phase in (*UNCOUNTED, Phase.COLLECTING, Phase.DELIVERING) else self._boxes(task)
        lease = processes.take_over(orphan, self.owner)
        if lease is None:
            return
        Calls(self.bench.store, lease.n, task.attempts).abandon()
        if task.executor in OURS and self._kills(orphan, lease, boxes):
            self._give_up(lease)
        elif task.phase in NOTHING_YET:
            self._start_over(lease, boxes)
        else:
            self._note(
                lease, f"the process that ran this attempt is gone: going on in phase {task.phase}", goes_on=True
            )
            lease.hand_back()
            self.say(f"{task.id}: left in phase {task.phase} by a process that is gone")

    def _boxes(self, task: Task) -> list[Sandbox]:
        """The sandboxes of a task of ours."""
        if task.executor not in OURS:
            return []
        found = self.bench.executor(task.executor).sandboxes(self.tasks.instance)
        return [box for box in found if box.task == task.id]

    def _kills(self, orphan: OwnedTask, lease: Lease, boxes: list[Sandbox]) -> bool:
        """Whether too many owners died of this task, without it getting any further."""
        if orphan.owner == self.owner or orphan.task.phase in UNCOUNTED:
            return False
        waited = any(box.role != "agent" for box in boxes)
        weight = LEAST if waited else max(LEAST, FULL // orphan.owns)
        return lease.record_crash(weight) >= TOO_MANY

    def _start_over(self, lease: Lease, boxes: list[Sandbox]) -> None:
        for box in boxes:
            self.bench.executor(lease.task.executor).remove(box.handle)
        if self.tasks.get(lease.task.id).cancel_requested:
            return self._settle(lease, Status.CANCELLED, None, "cancelled; the process that ran this attempt is gone")
        self._note(lease, "queued again: the process that had claimed this task is gone")
        lease.requeue()
        return self.say(f"{lease.task.id}: queued again")

    def _give_up(self, lease: Lease) -> None:
        """What it leaves is removed by the reaper, as of every settled task."""
        task = lease.task
        message = f"every process that worked this task died in phase {task.phase}, one after the other"
        error = told(PithyError(ErrorCode.CRASH_LOOP, message), task.id, self.bench.redactor.mask)
        self._settle(lease, Status.FAILED, error, f"failed: {message} [{error.code}]")

    def _settle(self, lease: Lease, status: Status, error: TaskError | None, words: str) -> None:
        self._note(lease, words)
        lease.settle(status, error)
        self.say(f"{lease.task.id}: {words}")

    def _note(self, lease: Lease, words: str, *, goes_on: bool = False) -> None:
        log = AttemptLog(
            self.bench.store, task=lease.n, attempt=lease.task.attempts, fence=lease.fence,
            redactor=self.bench.redactor, clock=self.bench.clock, on_lost=lambda: None,
        )  # fmt: skip
        if goes_on:
            log.leave(words)
        else:
            log.close(last=words)
