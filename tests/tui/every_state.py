"""A home with tasks in every state, each begun and ended at known times: for the goldens and the guide's pictures."""

from __future__ import annotations

from pathlib import Path

from pithy_local.clock import SystemClock
from pithy_local.config import Settings
from pithy_local.models import Phase, Status, Stream, TaskError, Verified
from tests.tui.seeding import Seed
from tests.tui.test_diffs import TWO_FILES

START_MS = 1_790_000_000_000


class StillClock(SystemClock):
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms


def every_state(root: Path, settings: Settings | None = None) -> Seed:
    """One task of each kind, two of them with a diff."""
    clock = StillClock()
    seed = Seed(root, settings, clock=clock)
    timeout = TaskError(code="llm_timeout", message="the model did not answer within 180 s", hint="Try again later.")
    seed.settled(Status.FAILED, "Parse errors in the config loader", repo="acme/cli", error=timeout)
    clock.ms += 600_000
    seed.settled(Status.COMPLETED, "Bump httpx to 0.28", repo="acme/web", diff=TWO_FILES, pr=41)
    seed.settled(Status.CANCELLED, "Rewrite everything in Rust", repo="acme/api")
    clock.ms += 600_000
    asked = TaskError(code="clarification", message="the model has a question", hint="Answer it with c.")
    seed.settled(Status.NEEDS_CLARIFICATION, "Make the login faster", error=asked, question="Which of the two logins?")
    broken = TaskError(code="verify_failed", message="`ruff check .` fails with the change", hint="Look at the diff.")
    verified = [
        Verified(command="pytest -q", base_exit=1, patch_exit=0, seconds=12.3),
        Verified(command="ruff check .", base_exit=0, patch_exit=1, seconds=0.4, patch_output="Found 1 error."),
    ]
    lease = seed.running("Add dark mode to the settings page", repo="acme/web")
    seed.used(lease, 12_000, 480)
    lease.record_step("round 1 · asking gpt-4o")
    lease.record_answer(1, "applied")
    lease.record_verify(verified)
    lease.record_patch(seed.kept(lease, TWO_FILES))
    clock.ms += 90_000
    lease.settle(Status.NEEDS_REVIEW, broken)
    lease = seed.running("Fix the flaky test in tests/test_queue.py::test_claim", phase=Phase.AGENT)
    lease.record_step("round 1 · asking gpt-4o")
    seed.log(lease, *(f"tests/test_{n}.py \x1b[32mPASSED\x1b[0m" for n in range(60)))
    seed.log(lease, "E   assert 1 == 2 " + "and so on " * 30, stream=Stream.ERR)
    seed.log(lease, "round 1 · asking gpt-4o", stream=Stream.SYS)
    clock.ms += 180_000
    seed.queued("Document the --json flag of every verb", repo="acme/docs")
    clock.ms += 42_000
    return seed
