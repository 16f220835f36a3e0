"""The reverse sweep: what exists under this home's name and belongs to no attempt goes (docs/durability.md).

The leader's work; every step is safe to repeat, and what cannot be removed now is tried again by the next tick.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from pithy_local.errors import ErrorCode, NoSuchTask, PithyError
from pithy_local.executors.base import Executor, Sandbox
from pithy_local.lifecycle.upkeep.housekeeping import Housekeeping
from pithy_local.lifecycle.upkeep.replays import sweep_replay
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, Task
from pithy_local.store.orphans import OURS
from pithy_local.store.removed import Removed
from pithy_local.store.tasks import Tasks

GRACE_MS = 60_000
"""A sandbox of an older fence may still be in the hands of an owner that has not seen yet that it lost its lease."""
UNKNOWN_MS = 24 * 3_600_000
"""How long a sandbox of a task that is not in the queue stays: the queue may be a backup that was restored."""
ADOPTABLE = (Phase.AGENT, Phase.COLLECTING, Phase.VERIFYING, Phase.CANCELLING)
"""Phases in which the agent's sandbox belongs to the attempt whoever owns that now: an adopter goes on with it."""


class Reaper:
    """Keep one for the life of a process: what it has said it does not say again."""

    def __init__(self, bench: Workbench, say: Callable[[str], None]) -> None:
        self.bench, self.say = bench, say
        self.tasks, self._removed = Tasks(bench.store), Removed(bench.store)
        self._housekeeping = Housekeeping(bench, say)
        self._told: set[str] = set()

    def tick(self) -> None:
        """Remove sandboxes, volumes, networks and folders that belong to nobody. Raises PithyError (store)."""
        try:
            for name in self._executors():
                try:
                    self._reap(self.bench.executor(name))
                except PithyError:
                    continue  # nobody waits for this: the next tick tries again
            self._housekeeping.tick()
            self._replay()
        except OSError as error:  # no descriptor is free, a folder that is not ours: no reason to stop working
            self._say_once(f"could not clear up in {self.bench.home.root}: {error.strerror}: trying again")

    def _replay(self) -> None:
        try:
            if sweep_replay(self.bench.home, self.bench.settings):
                self.say("removed what a killed replay had left")
        except PithyError:
            return  # an engine that is away: its sandboxes are found by what is kept

    def _say_once(self, words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            self.say(words)

    def _executors(self) -> set[str]:
        """Those that may have left something: also what was used before the configuration was changed."""
        return {*self._used, self.bench.settings.executor, *(made.name for made in self.bench.made_executors())}

    @cached_property
    def _used(self) -> set[str]:
        rows = self.bench.store.queue.rows("SELECT executor FROM task UNION SELECT executor FROM removed")
        return {"local", *(row["executor"] for row in rows)} & set(OURS)

    def _reap(self, executor: Executor) -> None:
        removed = self._removed.at(executor.name)  # before the list: what is not in it then is gone for good
        boxes = executor.sandboxes(self.tasks.instance)
        for box in boxes:
            if box.task in removed or self._is_leftover(box):
                self._remove(executor, box)
        self._removed.forget(removed - {box.task for box in boxes})
        for words in executor.sweep(self.tasks.instance, self.bench.clock.now_ms() - GRACE_MS):
            self.say(f"removed a leftover: {words}")

    def _remove(self, executor: Executor, box: Sandbox) -> None:
        try:
            executor.remove(box.handle)
        except PithyError as error:
            if error.code is ErrorCode.DOCKER_UNREACHABLE:
                raise
            self._say_once(f"{error.message}: trying again")  # it must not keep the others
        else:
            self.say(f"removed a leftover of task {box.task}: {box.handle[:60]}")

    def _is_leftover(self, box: Sandbox) -> bool:
        """Asked after the sandboxes were listed: what is newer than the list cannot be in it."""
        age = self.bench.clock.now_ms() - box.created_ms
        if box.role == "doctor":
            return age > GRACE_MS  # of no task; a living doctor is done with it in half a minute
        try:
            task = self.tasks.get(box.task)
        except NoSuchTask:
            return self._judge_unknown(box, age)
        if in_use(task, box):
            return False
        # an attempt settles after its sandbox is gone: its owner could not remove it
        return task.status.settled or box.attempt < task.attempts or age > GRACE_MS

    def _judge_unknown(self, box: Sandbox, age: int) -> bool:
        if age <= UNKNOWN_MS:
            self._say_once(
                f"task {box.task} is not in this queue (a restored backup?): its sandbox {box.handle[:12]} stays until "
                "it is a day old"
            )
        return age > UNKNOWN_MS


def in_use(task: Task, box: Sandbox) -> bool:
    """Whether the task's attempt runs in this sandbox, or could be adopted with it."""
    if task.status is not Status.RUNNING or box.attempt != task.attempts:
        return False
    if box.role == "agent" and task.phase in ADOPTABLE:
        return True
    # verify commands run anew under each owner, and nothing of a sandbox counts before its agent has started
    return box.fence == task.fence and (box.role != "agent" or task.phase in (Phase.PREPARING, Phase.STARTING))
