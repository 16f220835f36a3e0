"""Random walks through the queue: after each step the claim takes what the rules say, found by reading every task."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from pithy_local.errors import NoSuchTask, Refused
from pithy_local.models import Phase, Status, Task
from pithy_local.store import Store
from pithy_local.store.holds import Holds
from pithy_local.store.lease import Lease
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from tests.store.conftest import HandClock, new_task

STEPS = 150
REPOS, PROVIDERS = ("acme/api", "acme/web"), ("openai", "anthropic")
ENDS = (Status.COMPLETED, Status.FAILED, Status.NEEDS_REVIEW)
CONCURRENCY, PER_REPO = 4, 2


class Walk:
    """One home and the steps that people and workers may take in it."""

    def __init__(self, store: Store, clock: HandClock, owner: str, random: Random) -> None:
        self.store, self.clock, self.owner, self.random = store, clock, owner, random
        self.tasks, self.settled, self.holds = Tasks(store), Settled(store), Holds(store)
        self.leases: dict[str, Lease] = {}
        self.gates: dict[str, int] = {}
        self.paused = False

    def step(self) -> None:
        """One of them, at random; what is refused changes nothing."""
        acts = (
            self.add, self.add, self.add, self.claim, self.claim, self.settle, self.settle, self.wait,
            self.pause, self.close_gate, *(self.decide for _ in range(3)),
        )  # fmt: skip
        try:
            self.random.choice(acts)()
        except (Refused, NoSuchTask):
            pass

    def add(self) -> None:
        known = [task.id for task in self.tasks.select()]
        self.tasks.insert(new_task(
            repo=self.random.choice(REPOS), provider=self.random.choice(PROVIDERS), priority=self.random.randint(0, 2),
            after=self.random.choice(known) if known and self.random.random() < 0.5 else None,
            not_before=self.clock.now + 60_000 * self.random.randint(1, 3) if self.random.random() < 0.3 else 0,
        ))  # fmt: skip

    def claim(self) -> None:
        wanted = self.expected()
        assert self.tasks.claimable(["docker"]) == bool(self.candidates())
        assert self.tasks.queued(["docker"]) == len(self.candidates())
        taken = self.tasks.claim(self.owner, executors=["docker"], concurrency=CONCURRENCY, per_repo=PER_REPO)
        assert (taken.id if taken else None) == wanted
        if taken:
            self.leases[taken.id] = Lease(self.store, taken, self.owner)
            self.leases[taken.id].enter(Phase.AGENT)

    def settle(self) -> None:
        if self.leases:
            task_id, lease = self.leases.popitem()
            status = self.random.choice(ENDS)
            if status is Status.COMPLETED:
                lease.record_commit("a" * 40)
            lease.settle(Status.CANCELLED if self.tasks.get(task_id).cancel_requested else status)

    def decide(self) -> None:
        everyone = self.tasks.select()
        if everyone:
            act = self.random.choice((self.settled.again, self.settled.remove, self.tasks.request_cancel))
            act(self.random.choice(everyone).id)

    def wait(self) -> None:
        self.clock.sleep(self.random.choice((1, 60, 120)))

    def pause(self) -> None:
        self.paused = not self.paused
        self.holds.pause() if self.paused else self.holds.resume()

    def close_gate(self) -> None:
        provider, until = self.random.choice(PROVIDERS), self.clock.now + 60_000
        self.holds.close_gate(provider, until)
        self.gates[provider] = until

    def candidates(self) -> list[Task]:
        """What may be claimed, the slots aside, the next one first."""
        if self.paused:
            return []
        may = [
            task for task in reversed(self.tasks.select())
            if task.status is Status.QUEUED and not task.blocked and task.not_before <= self.clock.now
            and self.gates.get(task.provider, 0) <= self.clock.now
        ]  # fmt: skip
        return sorted(may, key=lambda task: -task.priority)

    def expected(self) -> str | None:
        running = [task for task in self.tasks.select() if task.status is Status.RUNNING]
        busy = Counter(task.repo for task in running)
        free = [task.id for task in self.candidates() if busy[task.repo] < PER_REPO]
        return free[0] if free and len(running) < CONCURRENCY else None

    def check(self) -> None:
        """What holds at every moment."""
        tasks = {task.id: task for task in self.tasks.select()}
        for task in tasks.values():
            if task.blocked:
                assert task.after is not None
                assert tasks[task.after].status not in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
            if task.error is not None:
                assert (task.status, task.error.code) == (Status.CANCELLED, "dependency_failed")
        waiting = {task.id for task in self.tasks.waiting()}
        queued = {task.id for task in tasks.values() if task.status is Status.QUEUED}
        assert waiting == queued - {task.id for task in self.candidates()}


@pytest.mark.parametrize("seed", range(4))
def test_a_walk_through_the_queue_keeps_the_rules(store: Store, clock: HandClock, owner: str, seed: int) -> None:
    walk = Walk(store, clock, owner, Random(seed))
    for _ in range(STEPS):
        walk.step()
        walk.check()

    assert len(walk.tasks.counts()) >= 4, "a walk that goes nowhere shows nothing"
