"""A sandbox for verify commands: sealed as an attempt's, but without door, job and keys."""

from __future__ import annotations

from collections.abc import Sequence

from pithy_local.door.loop import EventLoop
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors import commands
from pithy_local.executors.base import AttemptHost, VerifyJob, VerifyRun
from pithy_local.executors.commands import Take
from pithy_local.executors.container import AGENT_USER, DOOR_USER, WORK, tool_environment
from pithy_local.executors.engine import Engine
from pithy_local.executors.exec import run_command
from pithy_local.executors.session import Session

# The main process belongs to a user whose processes the commands can neither signal nor trace: none of them can end
# the sandbox or write into what the engine reads of it.
CHANGES = {"command": ["sleep", "infinity"], "user": DOOR_USER, "environment": tool_environment()}
SWEEP = ("sh", "-c", "kill -9 -1")
SWEPT = (0, 1)
"""Exit codes of the sweep: all were signalled, or there was none to signal."""
SWEEP_SECONDS = 20.0


class VerifySession(Session):
    """Implements `commands.Place`. Call `put_in`, then `verify`."""

    def __init__(self, engine: Engine, loop: EventLoop, sandbox: str, job: VerifyJob, host: AttemptHost) -> None:
        super().__init__(engine, loop, sandbox, job, host)
        self._job = job

    def verify(self) -> list[VerifyRun]:
        """Check the commit out and run the commands. Raises PithyError (see `Executor.verify`)."""
        with self._fits(self._job.bundle):
            commands.check_out(self._job, self)
        return commands.run_all(self._job, self._host, self)

    def run(self, argv: Sequence[str], *, seconds: float, take: Take) -> int | None:
        with self._explained("run a command in the sandbox"):
            try:
                code = run_command(
                    self._engine, self.container, argv, user=AGENT_USER, workdir=WORK, seconds=seconds,
                    checkpoint=self._host.checkpoint, take=take,
                )  # fmt: skip
            except TimeoutError:
                return None
            self._raise_if_dead()
            return code

    def clear(self) -> bool:
        """One SIGKILL to all that the commands' user runs: the kernel sends it at once, so that none can fork away.

        It does not get through where the memory was left full, or where something in there kills whatever starts.
        """
        try:
            code = self.run(SWEEP, seconds=SWEEP_SECONDS, take=lambda _: None)
        except PithyError as error:
            if error.code not in (ErrorCode.INTERNAL, ErrorCode.OOM):
                raise
            self._host.say(f"the sandbox is good for no other command: {error.message}")
            return False
        if code not in SWEPT:
            self._host.say(f"the sandbox is good for no other command: its clearing ended with exit code {code}")
        return code in SWEPT
