"""What a dead process left behind: its tasks are ended or queued again, its sandboxes removed.

One process at a time does this (the leader); every call is safe to repeat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, NoSuchTask, PithyError
from pithy_local.executors.base import Executor, Sandbox
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.lifecycle.outcome import told
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, TaskError
from pithy_local.paths import remove_tree
from pithy_local.store.calls import Calls
from pithy_local.store.lease import Lease, OwnedTask, Processes
from pithy_local.store.tasks import Tasks

GRACE_MS = 60_000
"""A sandbox of an older fence may still be in the hands of an owner that has not seen yet that it lost its lease."""

BUNDLE = re.compile(r"bundle-(?P<task>[0-9a-z]{10})-f(?P<fence>\d+)")


class Recovery:
    """Recovers orphans as the process `owner`, which runs the tasks `mine`; `say` gets a line for each thing done."""

    def __init__(self, bench: Workbench, owner: str, mine: Collection[str], say: Callable[[str], None]) -> None:
        self.bench, self.owner, self.mine, self.say = bench, owner, mine, say
        self.tasks = Tasks(bench.store)

    def tick(self) -> dict[str, PithyError]:
        """Take over what has no living owner, then remove what belongs to nobody.

        Returns why orphans had to be left, by task: an engine that does not answer keeps its tasks as they are, and
        the next tick tries again.
        """
        processes = Processes(self.bench.store)
        problems: dict[str, PithyError] = {}
        for orphan in processes.owned():
            if self._is_orphan(orphan):
                try:
                    self._recover(orphan)
                except PithyError as error:
                    problems[orphan.task.id] = error
        processes.forget_dead()
        for name in {"local", self.bench.settings.executor, *(made.name for made in self.bench.made_executors())}:
            try:
                self._reap(self.bench.executor(name))
            except PithyError:
                continue  # nobody waits for this: the next tick tries again
        self._reap_folders()
        return problems

    def _is_orphan(self, owned: OwnedTask) -> bool:
        """Its owner is dead, or is this very process, which could not write down how the attempt ended.

        What runs here is no orphan although its lease ran out: a machine that wakes up recovers before it beats.
        """
        if owned.owner == self.owner:
            return owned.task.id not in self.mine
        return not owned.owner_alive

    def _recover(self, orphan: OwnedTask) -> None:
        task = orphan.task
        executor = self.bench.executor(task.executor)
        left = [box for box in executor.sandboxes(self.tasks.instance) if box.task == task.id]
        lease = Processes(self.bench.store).take_over(orphan, self.owner)
        if lease is None:
            return
        for box in left:
            executor.remove(box.handle)
        Calls(self.bench.store, lease.n, task.attempts).abandon()
        try:
            self._end(
                lease, nothing_happened=task.phase is Phase.PREPARING and not any(box.role == "agent" for box in left)
            )
        except (LeaseLost, Cancelled):  # cancelled in this moment: the next tick writes that
            return

    def _end(self, lease: Lease, *, nothing_happened: bool) -> None:
        task = self.tasks.get(lease.task.id)  # anew: it may have been cancelled since
        delivering = task.phase is Phase.DELIVERING
        too_late = delivering and task.head_sha is not None  # the remote may show the work already
        if task.phase is Phase.CANCELLING or (task.cancel_requested and not too_late):
            self._settle(lease, Status.CANCELLED, None, "cancelled; the process that ran this attempt is gone")
        elif delivering and task.patch is not None:
            self._note(lease, "delivered again: the process that was delivering this change is gone")
            lease.hand_back()
            self.say(f"{task.id}: delivered again")
        elif nothing_happened:
            self._note(lease, "queued again: the process that had claimed this task is gone")
            lease.requeue()
            self.say(f"{task.id}: queued again")
        else:
            message = f"the process that ran this attempt went away in phase {task.phase}; its sandbox was removed"
            error = told(PithyError(ErrorCode.CONTAINER_LOST, message), task.id, self.bench.redactor.mask)
            self._settle(lease, Status.FAILED, error, f"failed: {message} [{error.code}]")

    def _settle(self, lease: Lease, status: Status, error: TaskError | None, words: str) -> None:
        self._note(lease, words)
        lease.settle(status, error)
        self.say(f"{lease.task.id}: {words}")

    def _note(self, lease: Lease, words: str) -> None:
        log = AttemptLog(
            self.bench.store, task=lease.n, attempt=lease.task.attempts, fence=lease.fence,
            redactor=self.bench.redactor, clock=self.bench.clock, on_lost=lambda: None,
        )  # fmt: skip
        log.close(last=words)

    def _reap(self, executor: Executor) -> None:
        for box in executor.sandboxes(self.tasks.instance):
            if self._is_leftover(box):
                executor.remove(box.handle)
                self.say(f"removed a leftover of task {box.task}: {box.handle[:60]}")

    def _is_leftover(self, box: Sandbox) -> bool:
        old = self.bench.clock.now_ms() - box.created_ms > GRACE_MS
        if box.role == "doctor":
            return old  # of no task; a living doctor is done with it in half a minute
        try:
            task = self.tasks.get(box.task)
        except NoSuchTask:
            return False  # a restored backup may not know it: not ours to judge
        if task.status is Status.RUNNING and (box.attempt, box.fence) == (task.attempts, task.fence):
            return False
        if task.status.settled:
            return True  # an attempt settles after its sandbox is gone: its owner could not remove it
        return old

    def _reap_folders(self) -> None:
        """Temporary directories of the host's own half: packed repositories, indexes of commits."""
        for folder in self.bench.home.scratch.glob("bundle-*"):
            found = BUNDLE.fullmatch(folder.name)
            if found and self._fence_of(found["task"]) != int(found["fence"]):
                remove_tree(folder)
        for folder in self.bench.home.mirrors.glob("*/index-*"):
            if self._fence_of(folder.name.removeprefix("index-")) is None:
                remove_tree(folder)

    def _fence_of(self, task_id: str) -> int | None:
        """Of a running task; None for every other."""
        try:
            task = self.tasks.get(task_id)
        except NoSuchTask:
            return None
        return task.fence if task.status is Status.RUNNING else None
