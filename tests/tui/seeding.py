"""A real home with tasks in every state, written through the store as a supervisor would write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pithy_local import service
from pithy_local.clock import Clock, SystemClock
from pithy_local.config import Secrets, Settings
from pithy_local.models import NewTask, Patch, Phase, Status, Stream, Task, TaskError
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from pithy_local.tui.models.diffs import Diff
from tests.spending import spend


class Seed:
    """One home; its `app` is what the service is asked with."""

    def __init__(self, root: Path, settings: Settings | None = None, clock: Clock | None = None) -> None:
        home = Home(root=root)
        clock = clock or SystemClock()
        self.app = service.App(
            settings=settings or Settings(), secrets=Secrets(), home=home, store=Store(home, clock), clock=clock, env={}
        )
        self.tasks = Tasks(self.app.store)
        self.logs = Logs(self.app.store)
        self._owner: str | None = None

    def close(self) -> None:
        self.app.close()

    def queued(
        self, title: str = "Fix the flaky test", repo: str = "acme/api", executor: str = "docker",
        after: str | None = None,
    ) -> Task:  # fmt: skip
        """One task in the queue."""
        return self.tasks.insert(
            NewTask(
                title=title, prompt=title, repo=repo, executor=executor, provider="openai", model="gpt-4o", after=after
            )
        )

    def running(
        self,
        title: str = "Fix the flaky test",
        *,
        phase: Phase = Phase.AGENT,
        repo: str = "acme/api",
        executor: str = "docker",
    ) -> Lease:
        """One task whose attempt is under way, owned by a supervisor row of this process."""
        task = self.queued(title, repo=repo, executor=executor)
        if self._owner is None:
            self._owner = Processes(self.app.store).register("run")
        claimed = self.tasks.claim(self._owner, executors=[task.executor], concurrency=64, ids=[task.id])
        assert claimed is not None
        lease = Lease(self.app.store, claimed, self._owner)
        lease.begin_attempt()
        lease.enter(phase)
        self.logs.open(lease.n, claimed.attempts, lease.fence)
        return lease

    def settled(
        self, status: Status, title: str = "Bump a dependency", *, error: TaskError | None = None,
        repo: str = "acme/api", diff: bytes = b"", question: str | None = None, pr: int | None = None,
    ) -> Task:  # fmt: skip
        """One task that has ended, with `diff` kept as a supervisor keeps it."""
        lease = self.running(title, repo=repo)
        if diff:
            lease.record_patch(self.kept(lease, diff))
        if status is Status.COMPLETED:
            lease.record_commit("c" * 40)
        if pr is not None:
            lease.record_pr(pr, f"https://github.com/{repo}/pull/{pr}")
        lease.settle(status, error, question=question)
        return self.tasks.get(lease.task.id)

    def kept(self, lease: Lease, diff: bytes) -> Patch:
        """This diff as a file of the home, and what is known of it."""
        file = self.app.home.artifacts(lease.task.id, lease.task.attempts) / "patch.diff"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(diff)
        counts = Diff(diff).files
        return Patch(
            path=str(file.relative_to(self.app.home.root)), bytes=len(diff), files=len(counts),
            added=sum(each.added for each in counts), removed=sum(each.removed for each in counts),
        )  # fmt: skip

    def log(self, lease: Lease, *texts: str, stream: Stream = Stream.OUT) -> None:
        """More lines at the end of this task's log."""
        self.log_lines(lease, [(stream, text) for text in texts])

    def log_lines(self, lease: Lease, lines: Sequence[tuple[Stream, str]]) -> None:
        at = self.app.clock.now_ms()
        self.logs.append(lease.n, lease.fence, [Entry(at=at, stream=stream, text=text) for stream, text in lines])

    def used(self, lease: Lease, input_tokens: int, output_tokens: int) -> None:
        """One model call of this attempt."""
        spend(self.app.store, lease, input_tokens, output_tokens)
