"""The verify commands on a change in the work tree: what passed on the base must pass still.

How they end in here is a hint for the model alone; the host runs them again on what is delivered.
"""

from __future__ import annotations

import re

from runner import shell
from runner.errors import VerifyFailed
from runner.job import Command, Job
from runner.narrate import Narrator, pass_on
from runner.survey import words

_TOLD_BYTES = 16_000
"""Output that the model gets to see of all failing commands together."""
_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f]")


def check(job: Job, round_: int, tell: Narrator) -> None:
    """Run the commands in `job.repo`, one after the other. Raises VerifyFailed, which tells the model what broke.

    What failed on the base too is told beside that and demands nothing; what took too long there, or was not run, is
    not run here either.
    """
    broken: list[tuple[Command, shell.Ran]] = []
    failing_before: list[tuple[Command, shell.Ran]] = []
    for command in job.verify:
        if command.base_exit in (None, shell.TIMED_OUT):
            continue
        tell.step("verify", round_, f"$ {command.command}")
        ran = shell.run(command.command, job.repo, job.verify_timeout, pass_on)
        on_base = f"on the base: exit code {command.base_exit}"
        tell.detail(round_, f"exit code {ran.exit_code} after {ran.seconds:.1f} s ({on_base})")
        if ran.exit_code != 0:
            (broken if command.base_exit == 0 else failing_before).append((command, ran))
    if broken:
        raise _failed(job, broken, failing_before)


def readable(output: str, limit: int) -> str:
    """The end of a command's output, at most `limit` bytes, without what only a terminal understands."""
    return _TERMINAL.sub("", output).encode("utf-8", "replace")[-limit:].decode("utf-8", "ignore").strip("\n")


def _failed(
    job: Job, broken: list[tuple[Command, shell.Ran]], failing_before: list[tuple[Command, shell.Ran]]
) -> VerifyFailed:
    limit = _TOLD_BYTES // len(broken)
    told = [_told(job, command, ran, limit) for command, ran in broken]
    if failing_before:
        names = "\n".join(f"$ {command.command}" for command, _ in failing_before)
        told.append(f"Failing before your change and after it (not yours to mend unless the task says so):\n{names}")
    message = "\n\n".join(told)
    named = words.of_task(message.replace(f"{job.repo}/", "")).paths
    return VerifyFailed(message, paths=named)


def _told(job: Job, command: Command, ran: shell.Ran, limit: int) -> str:
    ended = f"failed with exit code {ran.exit_code}"
    if ran.exit_code == shell.TIMED_OUT:
        ended = f"took longer than {job.verify_timeout:g} s and was ended"
    output = readable(ran.output, limit) or "(it wrote nothing)"
    return f"$ {command.command}\npassed on the base and now {ended}. The end of its output:\n\n{output}"
