"""One attempt from claim to settlement, top to bottom (ARCHITECTURE §1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pithy_local import crash
from pithy_local.config import Settings
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, Left, Parked, PithyError
from pithy_local.executors.base import AgentJob, Collected, Job
from pithy_local.forge.body import subject
from pithy_local.git.commit import make_commit
from pithy_local.git.diffstat import diff_stat
from pithy_local.lifecycle import job_spec, services, source
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.delivery import Delivery
from pithy_local.lifecycle.ending import Ending
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.outcome import failure_of, host_error
from pithy_local.lifecycle.source import Source
from pithy_local.lifecycle.verification import Verification
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, Verified
from pithy_local.store.tasks import Tasks

MASKED = re.compile(rb"^\+.*\*\*\*", re.M)
"""An added line with what stands for a secret."""


class Attempt:
    """Runs in a thread of its own. `run` returns when the task has settled, is queued again, or is somebody else's.

    One that an earlier owner has left goes on from its phase, with what is stored of it.
    """

    def __init__(self, bench: Workbench, host: Host) -> None:
        self.bench, self.host, self.lease, self.task = bench, host, host.lease, host.lease.task
        self.record = Tasks(bench.store).attempts(self.task.id)[-1]
        self.phase = self.task.phase or Phase.PREPARING
        """Where it begins."""
        self.decided = self.record.redelivery or self.record.head_sha is not None or self.phase is Phase.DELIVERING
        """The change is there and was judged before, or accepted by a person: it is delivered, and no model asked."""
        adopted = self.phase not in (Phase.PREPARING, Phase.STARTING)
        self.artifacts = Artifacts(bench.home, self.task.id, self.task.attempts, bench.redactor, resumed=adopted)
        self.ending = Ending(bench, host, self.artifacts)

    def run(self) -> None:
        try:
            if self.is_cancelled():
                self.clear()
                raise Cancelled(self.task.id)
            src = self.source()
            with source.pinned(self.host, src):
                sha = self.decided_commit(src) if self.decided else self.new_commit(src)
                crash.point("committed")
                sha = Delivery(self.bench, self.host, src).deliver(sha)
        except Left:
            self.ending.leave()
        except LeaseLost:
            return
        except Cancelled:
            self.ending.settle(Status.CANCELLED, None, "cancelled")
        except Parked as parked:
            self.ending.park(parked)
        except Exception as error:  # a bug of ours, too: the task must not stay `running` for ever
            failure = host_error(error)
            if failure.code is ErrorCode.DOCKER_UNREACHABLE:
                self.ending.await_engine(failure)
            else:
                self.ending.fail(failure)
        else:
            self.ending.settle(Status.COMPLETED, None, f"completed: {sha[:12]} on {self.task.branch}")

    def is_cancelled(self) -> bool:
        """Whether an earlier owner was told to end it; not where the remote may show the change already."""
        if self.phase is Phase.DELIVERING and self.record.head_sha is not None:
            return False
        return self.task.cancel_requested or self.phase is Phase.CANCELLING

    def source(self) -> Source:
        """What the attempt builds on: fetched and pinned at its first step, known at a later one."""
        base_sha, accepted = self.record.base_sha, self.phase is Phase.DELIVERING and self.record.head_sha is None
        if self.phase is Phase.PREPARING:
            self.lease.begin_attempt()
        elif base_sha is not None and not accepted:
            return source.resume(self.bench, self.host, base_sha)
        return source.prepare(self.bench, self.host, base_sha if self.decided else None)

    def new_commit(self, src: Source) -> str:
        """Let the agent make its change, judge and verify it. Returns the commit that may be delivered."""
        verification = Verification(self.bench, self.host, src)
        if self.phase is Phase.PREPARING:
            verified = verification.on_base()
            crash.point("prepared")
            diff = self.agents_change(src, lambda: self.execute(src, verified))
        elif self.phase is Phase.VERIFYING:
            verified, diff = self.record.verify, self.artifacts.read_diff(self.record.patch)
        else:
            verified, diff = self.record.verify, self.agents_change(src, lambda: self.adopt(src))
        if self.host.phase is not Phase.VERIFYING:
            self.host.enter(Phase.VERIFYING)
        crash.point("verifying.entered")
        sha = self.commit(src, diff, accepted=False)
        if self.lease.standing.leaked and MASKED.search(diff):
            raise PithyError(
                ErrorCode.POLICY, "the model's answer held a secret of this host; where it stood, the change has `***`"
            )
        verification.on_change(sha, verified)
        if self.task.publish == "review":
            raise PithyError(ErrorCode.AWAITING_REVIEW, "the change is ready: look at it, then accept or reject it")
        return sha

    def decided_commit(self, src: Source) -> str:
        """The commit of a change that is to be delivered as it is stored."""
        self.host.say("delivering the change that was made before: no model is asked")
        head = self.record.head_sha
        if head is None:
            return self.commit(src, self.artifacts.read_diff(self.record.patch), accepted=True)
        if not src.mirror.has(head):  # another one may not take its place: the remote may show it
            raise PithyError(
                ErrorCode.REPO_ANALYSIS, f"the commit {head[:12]} that was to be delivered is gone from our copy",
                hint="`pithy-local retry ID` delivers the change again without the model.",
            )  # fmt: skip
        return head

    def agents_change(self, src: Source, work: Callable[[], Collected]) -> bytes:
        """The canonical diff of what the agent did in its sandbox, kept; or an error that says why there is none."""
        executor = self.bench.executor(self.task.executor)
        try:
            with (
                services.serve(self.bench, self.host, self.artifacts, isolated=executor.isolated),
                self.work_so_far(src),
            ):
                try:
                    diff = work().diff
                finally:
                    self.host.checkpoint()  # what breaks because the attempt was told to end is not how it ended
                failure = failure_of(self.host.gateway)
                if failure is not None:
                    raise failure
        except PithyError as error:
            if error.code is ErrorCode.SYNTAX:
                self.judge(src)
            raise
        crash.point("collected")
        self.keep(src, diff)
        crash.point("diff.kept")
        return diff

    def execute(self, src: Source, verified: tuple[Verified, ...]) -> Collected:
        """Run the agent in a sandbox of its own."""
        with source.packed(self.bench, self.host, src, src.base, src.base_sha) as bundle:
            spec = job_spec.make(self.bench, self.host, src, verified)
            self.artifacts.keep_job(spec)
            job = Job(**self.job(src.settings), spec=spec, bundle=bundle)
            return self.bench.executor(self.task.executor).run(job, self.host)

    def adopt(self, src: Source) -> Collected:
        """Go on with the sandbox that an earlier owner has started."""
        job = AgentJob(**self.job(src.settings), spec=self.artifacts.read_job())
        return self.bench.executor(self.task.executor).adopt(job, self.host)

    def clear(self) -> None:
        """End what an earlier owner has started."""
        if self.phase is Phase.DELIVERING:
            return
        executor, instance = self.bench.executor(self.task.executor), Tasks(self.bench.store).instance
        executor.end(AgentJob(**self.job(self.bench.settings), spec={}), self.host)
        for box in executor.sandboxes(instance):
            if box.task == self.task.id:
                executor.remove(box.handle)

    def job(self, settings: Settings) -> dict[str, Any]:
        """What every job of the attempt has."""
        return {
            "instance": Tasks(self.bench.store).instance, "task": self.task.id, "attempt": self.task.attempts,
            "fence": self.lease.fence, "limits": source.limits(settings), "network": settings.sandbox.network,
            "max_diff_bytes": services.MAX_DIFF_BYTES,
        }  # fmt: skip

    def judge(self, src: Source) -> None:
        """The runner says that its change does not parse: a person may accept it, who must know what policy says."""
        diff = self.host.gateway.reports.diff
        if diff:
            self.commit(src, diff, accepted=False)

    def commit(self, src: Source, diff: bytes, *, accepted: bool) -> str:
        """Apply the diff index-only in the mirror and judge the resulting tree."""
        git = src.settings.git
        return make_commit(
            src.mirror, self.task.id, src.base_sha, diff,
            message=subject(self.bench.redactor.mask(self.task.title)), protected=git.protected, author=git.author,
            accepted=accepted, secrets=self.bench.secrets.known(),
        ).sha  # fmt: skip

    @contextmanager
    def work_so_far(self, src: Source) -> Iterator[None]:
        """A timeout, an OOM kill, the token limit keep the last round's diff."""
        try:
            yield
        except PithyError:
            try:
                self.keep(src, self.host.gateway.reports.diff or b"")
            except (PithyError, OSError) as error:  # must not hide why the attempt ended
                self.host.say(f"the work so far could not be kept: {error}")
            raise

    def keep(self, src: Source, diff: bytes) -> None:
        if not diff:
            return
        result = self.host.gateway.reports.result
        mended = result.mended if result else 0
        self.lease.record_patch(self.artifacts.keep_diff(diff, diff_stat(src.mirror, diff), mended))
