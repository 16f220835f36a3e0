"""The host's own evidence: the verify commands in sandboxes of their own, on the base and on the change.

The agent cannot forge it: it ran somewhere else, and the exit codes are the engine's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pithy_local.config import seconds
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import Executor, VerifyJob, VerifyRun
from pithy_local.lifecycle import source
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.source import Source
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Verified
from pithy_local.store.tasks import Tasks
from pithy_local.store.verify_cache import BaseResult, VerifyCache
from pithy_local.text import safe_block

TIMED_OUT = 124
"""The exit code of a command that took too long, as timeout(1) has it."""
KILLED = 137
"""128 + SIGKILL: most likely for lack of memory. As little a property of the commit as a time limit."""
MAX_OUTPUT = 8_000
"""Characters kept of what a command wrote: the end of it."""


class Verification:
    """The verify commands of one attempt."""

    def __init__(self, bench: Workbench, host: Host, src: Source) -> None:
        self._bench, self._host, self._source = bench, host, src
        self._commands = tuple(dict.fromkeys(src.settings.sandbox.verify))

    def on_base(self) -> tuple[Verified, ...]:
        """How the commands end on the base commit, before anything was changed: from the cache where it is known.

        Raises what `Executor.verify` raises.
        """
        if not self._commands:
            return ()
        base, cache = self._source.base_sha, VerifyCache(self._bench.store)
        environment = self._executor.environment_key(self._host, self._source.settings.sandbox.network)
        known = cache.find(base, environment, self._commands)
        runs = self._run("vbase", [command for command in self._commands if command not in known], base)
        fresh = [self._result(run, run.exit_code) for run in runs.values() if run.exit_code is not None]
        cache.keep(base, environment, [result for result in fresh if result.exit_code not in (TIMED_OUT, KILLED)])
        found = known | {result.command: result for result in fresh}
        verified = tuple(_on_base(command, found.get(command)) for command in self._commands)
        self._host.lease.record_verify(verified)
        for each in verified:
            where = " (known from before)" if each.command in known else ""
            self._host.say(f"verify: `{each.command}` {_ended(each.base_exit)} on the base{where}")
        return verified

    def on_change(self, sha: str, on_base: tuple[Verified, ...]) -> None:
        """Run the commands of `on_base` on the commit that may be delivered, and record how they ended. Whatever is
        configured by now: there is nothing to compare other ones with.

        Raises PithyError (verify_failed) when one fails that passed before; what failed before is not held against
        the change. Raises what `Executor.verify` raises.
        """
        if not on_base:
            return
        runs = self._run("vpatch", tuple(each.command for each in on_base), sha)
        verified = tuple(self._joined(each, runs[each.command]) for each in on_base)
        self._host.lease.record_verify(verified)
        for each in verified:
            before = "" if each.base_exit == 0 else f" (on the base it {_ended(each.base_exit)})"
            self._host.say(f"verify: `{each.command}` {_ended(each.patch_exit)} on the change{before}")
        broken = [each for each in verified if each.broken]
        if broken:
            raise PithyError(
                ErrorCode.VERIFY_FAILED,
                ", ".join(f"`{each.command}` {_ended(each.patch_exit)}" for each in broken)
                + " on the change and passed on the base",
                detail={"verify": [{**each.to_json(), "output": each.patch_output[-2_000:]} for each in broken]},
            )

    @property
    def _executor(self) -> Executor:
        return self._bench.executor(self._host.lease.task.executor)

    def _run(self, role: str, commands: Sequence[str], sha: str) -> dict[str, VerifyRun]:
        """How each command ended. One that takes too long ends its sandbox: those after it get another one."""
        runs: dict[str, VerifyRun] = {}
        if not commands:
            return runs
        with source.packed(self._bench, self._host, self._source, self._source.base, sha) as bundle:
            left = tuple(commands)
            while left:
                job = self._job(role, left, bundle, sha)
                runs |= {run.command: run for run in self._executor.verify(job, self._host)}
                before, left = left, tuple(command for command in left if runs[command].exit_code is None)
                if left == before:
                    break
        return runs

    def _job(self, role: str, commands: tuple[str, ...], bundle: Path, sha: str) -> VerifyJob:
        lease, settings = self._host.lease, self._source.settings
        return VerifyJob(
            instance=Tasks(self._bench.store).instance, task=lease.task.id, attempt=lease.task.attempts,
            fence=lease.fence, role=role, commands=commands, bundle=bundle, branch=self._source.base, sha=sha,
            limits=source.limits(settings), seconds=seconds(settings.verify_timeout), network=settings.sandbox.network,
        )  # fmt: skip

    def _result(self, run: VerifyRun, exit_code: int) -> BaseResult:
        return BaseResult(command=run.command, exit_code=exit_code, seconds=run.seconds, output=self._shown(run.output))

    def _joined(self, on_base: Verified, run: VerifyRun) -> Verified:
        return replace(on_base, patch_exit=run.exit_code, seconds=run.seconds, patch_output=self._shown(run.output))

    def _shown(self, output: str) -> str:
        return safe_block(self._bench.redactor.mask(output))[-MAX_OUTPUT:]


def _on_base(command: str, result: BaseResult | None) -> Verified:
    if result is None:
        return Verified(command=command)
    return Verified(command=command, base_exit=result.exit_code, base_output=result.output)


def _ended(exit_code: int | None) -> str:
    """In words."""
    if exit_code is None:
        return "was not run"
    if exit_code == TIMED_OUT:
        return "took too long"
    return "passes" if exit_code == 0 else f"fails (exit {exit_code})"
