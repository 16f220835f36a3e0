"""One attempt from claim to settlement, top to bottom (ARCHITECTURE §1)."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pithy_local.config import seconds, size_bytes
from pithy_local.door.gateway import Call, Gateway, Upstream
from pithy_local.door.reports import Reports
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, PithyError
from pithy_local.executors.base import Collected, Job, Limits
from pithy_local.forge.body import subject
from pithy_local.git.bundle import bundle
from pithy_local.git.commit import Commit, make_commit
from pithy_local.git.diffstat import diff_stat
from pithy_local.git.mirror import Mirror
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.delivery import deliver
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.outcome import failure_of, host_error, presentable, status_of
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, TaskError
from pithy_local.paths import remove_tree
from pithy_local.store.lease import CallRecord
from pithy_local.store.tasks import Tasks
from pithy_local.text import for_storage

T = TypeVar("T")

MAX_DIFF_BYTES = 10_000_000
"""A diff beyond this is refused at the sandbox's border; no reviewer reads one."""
CONTEXT_TOKENS = 24_000
MAX_OUTPUT_TOKENS = 8_192
SETTLE_MS, SETTLE_PAUSE = 60_000, 0.2
"""How long an attempt's end is tried to be written, and the seconds between two tries."""
HISTORY_DEPTH = 50
"""Commits of history that the sandbox sees of the one branch it is given."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the attempt builds on, pinned: base branch and commit, and the token that fetches and pushes it."""

    mirror: Mirror
    base: str
    base_sha: str
    token: str


class Attempt:
    """Runs in a thread of its own. `run` returns when the task has settled or belongs to somebody else."""

    def __init__(self, bench: Workbench, host: Host) -> None:
        self.bench = bench
        self.host = host
        self.lease = host.lease
        self.task = host.lease.task
        self.artifacts = Artifacts(bench.home, self.task.id, self.task.attempts, bench.redactor)

    def run(self) -> None:
        try:
            self.lease.begin_attempt()
            source = self.prepare()
            with self.pins(source):
                collected = self.execute(source)
                commit = self.judge(source, collected)
                deliver(self.bench, self.host, source.mirror, base=source.base, sha=commit.sha, token=source.token)
        except LeaseLost:
            return
        except Cancelled:
            self.settle(Status.CANCELLED, None, "cancelled")
        except Exception as error:  # a bug of ours, too: the task must not stay `running` for ever
            self.fail(host_error(error))
        else:
            self.settle(Status.COMPLETED, None, f"completed: {commit.sha[:12]} on {self.task.branch}")

    def prepare(self) -> Source:
        """Fetch the mirror, pin the base commit."""
        self.host.say(f"attempt {self.task.attempts}: {self.task.provider} {self.task.model}, {self.task.executor}")
        connection = self.bench.repositories.connect(self.task.repo)
        mirror = connection.mirror
        mirror.fetch(connection.token, self.host.say, self.host.checkpoint)
        name, sha = mirror.resolve_base(self.task.base or connection.default_branch)
        self.lease.pin_base(name, sha)
        self.host.checkpoint()
        self.host.say(f"base is {name} at {sha[:12]}")
        return Source(mirror=mirror, base=name, base_sha=sha, token=connection.token)

    @contextmanager
    def pins(self, source: Source) -> Iterator[None]:
        """What git keeps for the task goes with the attempt, unless the task, and it, are somebody else's by then."""
        lost = False
        try:
            yield
        except LeaseLost:
            lost = True
            raise
        finally:
            if not lost:
                self.release(source)

    def release(self, source: Source) -> None:
        try:
            source.mirror.release(self.task.id)
        except (PithyError, OSError) as error:  # must not hide how the attempt ended
            self.host.say(f"could not clear up in the mirror: {error}")

    def execute(self, source: Source) -> Collected:
        """Let the sandbox make its change; the canonical diff comes back, or an error that says why not."""
        executor = self.bench.executor(self.task.executor)
        with self.gateway(isolated=executor.isolated), self.packed(source) as tar:
            job = Job(
                instance=Tasks(self.bench.store).instance, task=self.task.id, attempt=self.task.attempts,
                fence=self.lease.fence, spec=self.spec(source), bundle=tar, limits=self.limits(),
                max_diff_bytes=MAX_DIFF_BYTES,
            )  # fmt: skip
            try:
                collected = executor.run(job, self.host)
            except PithyError:
                self.keep_work_so_far(source)
                raise
            failure = failure_of(self.host.gateway)
            if failure is not None:
                self.keep_work_so_far(source)
                raise failure
            return collected

    def judge(self, source: Source, collected: Collected) -> Commit:
        """Store the diff, check it by policy and commit it, index-only, in the mirror."""
        self.keep(source, collected.diff)
        self.host.enter(Phase.VERIFYING)
        git = self.bench.settings.git
        return make_commit(
            source.mirror, self.task.id, source.base_sha, collected.diff,
            message=subject(self.bench.redactor.mask(self.task.title)), protected=git.protected, author=git.author,
        )  # fmt: skip

    @contextmanager
    def gateway(self, *, isolated: bool) -> Iterator[None]:
        """The attempt's services, from here to the end of the sandbox."""
        bench, settings = self.bench, self.bench.settings.model
        limit = self.task.max_tokens or settings.max_tokens_per_task
        tasks = Tasks(bench.store)
        gateway = Gateway(
            upstream=self.upstream(), model=self.task.model, call_timeout=seconds(settings.timeout),
            tokens_left=lambda: limit - tasks.tokens_used(self.task.id), on_call=self.guarded(self.count),
            reports=Reports(
                on_event=self.guarded(self.artifacts.event_sink(self.lease.record_step)),
                on_diff=self.guarded(self.artifacts.keep_round), max_diff_bytes=MAX_DIFF_BYTES,
            ),
            token=None if isolated else secrets.token_urlsafe(32), clock=bench.clock,
            secrets=bench.secrets.known(),
        )  # fmt: skip
        self.host.attach(gateway=gateway)
        try:
            yield
        finally:
            bench.loop.call(gateway.aclose())

    def upstream(self) -> Upstream | None:
        """The model's real address and key; None for `scripted`, which asks nobody."""
        if self.task.provider == "scripted":
            return None
        settings = self.bench.settings.model.openai
        return Upstream(name="openai", base_url=settings.base_url, api_key=self.bench.secrets.openai_api_key)

    def guarded(self, serve: Callable[[T], None]) -> Callable[[T], None]:
        """What the gateway calls, from threads of its own: a failure there ends the attempt, not only one request."""

        def call(argument: T) -> None:
            try:
                serve(argument)
            except Exception as error:
                self.host.fail(host_error(error))
                raise

        return call

    def count(self, call: Call) -> None:
        """One model call, as the gateway settled it."""
        self.lease.record_call(CallRecord(
            at=call.at_ms, provider=call.provider, model=call.model, http_status=call.status,
            input_tokens=call.input_tokens, output_tokens=call.output_tokens, estimated=call.estimated,
            seconds=call.seconds,
        ))  # fmt: skip
        mark = " (estimated)" if call.estimated else ""
        self.host.say(
            f"model call: {call.input_tokens} tokens in, {call.output_tokens} out{mark}, {call.seconds:.1f} s"
            + ("" if call.status < 400 else f", HTTP {call.status}")
        )

    def spec(self, source: Source) -> dict[str, Any]:
        """The runner's job without its paths."""
        model = self.bench.settings.model
        return {
            "version": 1, "task": self.task.id, "attempt": self.task.attempts, "title": self.task.title,
            "prompt": self.task.prompt, "base": source.base, "base_sha": source.base_sha,
            "provider": self.task.provider, "model": self.task.model, "temperature": model.openai.temperature,
            "replies": read_replies(model.scripted.file) if self.task.provider == "scripted" else [],
            "context_tokens": CONTEXT_TOKENS, "max_output_tokens": MAX_OUTPUT_TOKENS,
            "call_timeout": seconds(model.timeout), "repair_rounds": model.repair_rounds,
            "max_diff_bytes": MAX_DIFF_BYTES,
        }  # fmt: skip

    def limits(self) -> Limits:
        sandbox = self.bench.settings.sandbox
        return Limits(
            cpus=sandbox.cpus, memory=size_bytes(sandbox.memory), pids=sandbox.pids,
            disk=size_bytes(sandbox.disk), seconds=seconds(self.bench.settings.timeout),
        )  # fmt: skip

    @contextmanager
    def packed(self, source: Source) -> Iterator[Path]:
        """The repository as it goes in: one branch, as a tar file that is gone afterwards."""
        folder = self.bench.home.scratch / f"bundle-{self.task.id}-f{self.lease.fence}"
        remove_tree(folder)
        folder.mkdir(mode=0o700)
        try:
            yield bundle(
                source.mirror, self.task.id, source.base, source.base_sha, folder / "repo.tar",
                depth=HISTORY_DEPTH, checkpoint=self.host.checkpoint,
            )  # fmt: skip
        finally:
            remove_tree(folder)

    def keep_work_so_far(self, source: Source) -> None:
        """A timeout, an OOM kill or the token limit keeps the last round's diff."""
        diff = self.host.gateway.reports.diff
        if diff:
            try:
                self.keep(source, diff)
            except (PithyError, OSError) as error:  # must not hide why the attempt ended
                self.host.say(f"the work so far could not be kept: {error}")

    def keep(self, source: Source, diff: bytes) -> None:
        self.lease.record_patch(self.artifacts.keep_diff(diff, diff_stat(source.mirror, diff)))

    def fail(self, error: PithyError) -> None:
        mask = self.bench.redactor.mask
        told = TaskError(
            code=error.code.word, message=for_storage(mask(error.message)),
            hint=re.sub(r"\bID\b", self.task.id, error.hint),
            detail={**presentable(error.detail, mask), **self.artifacts.rejected_detail()},
        )  # fmt: skip
        status = status_of(error.code)
        self.settle(status, told, f"{status.value.replace('_', ' ')}: {told.message} [{told.code}]")

    def settle(self, status: Status, error: TaskError | None, words: str) -> None:
        """The log is complete before the status says that it is over.

        How it ended is known here alone: a locked store and a full disk are waited for.
        """
        self.host.log.close(last=words)
        clock = self.bench.clock
        deadline = clock.lease_ms() + SETTLE_MS
        while True:
            try:
                return self.lease.settle(status, error)
            except LeaseLost:
                return None  # the new owner says how it ends
            except PithyError as problem:
                if problem.code not in (ErrorCode.STORE, ErrorCode.DISK_FULL) or clock.lease_ms() > deadline:
                    raise
            clock.sleep(SETTLE_PAUSE)


def read_replies(file: str) -> list[str]:
    """The scripted provider's replies: a JSON array of strings.

    Raises PithyError(agent_failed) for a missing or wrong file.
    """
    try:
        replies = json.loads(Path(file).expanduser().read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PithyError(
            ErrorCode.AGENT_FAILED, f"the scripted replies cannot be read: {error}",
            hint="`model.scripted.file` names a JSON array of strings.",
        ) from error  # fmt: skip
    if not isinstance(replies, list) or not all(isinstance(reply, str) for reply in replies):
        raise PithyError(
            ErrorCode.AGENT_FAILED, f"{file} is not a JSON array of strings",
            hint="`model.scripted.file` names a JSON array of strings.",
        )  # fmt: skip
    return replies
