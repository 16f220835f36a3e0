"""How the screens look: pictures that are compared, to be looked at when they change.

`PITHY_GOLDENS=write pytest tests/tui/test_goldens.py` writes them anew.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.clock import SystemClock
from pithy_local.doctor import Check
from pithy_local.models import Phase, Status, Stream, TaskError, Verified
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed
from tests.tui.test_diffs import TWO_FILES

GOLDENS = Path(__file__).parent / "goldens"
START_MS = 1_790_000_000_000
CHECKS = [
    Check(name="git", ok=True, message="git 2.47"), Check(name="disk", ok=True, message="40 GB free"),
    Check(name="docker", ok=False, message="no Docker engine answers", fix="Start Docker, or set DOCKER_HOST."),
    Check(name="github", ok=None, message="there is no token", fix="Set GITHUB_TOKEN to open pull requests."),
]  # fmt: skip


class StillClock(SystemClock):
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture(autouse=True)
def time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Days begin at the same moment everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Seed]:
    """Tasks in every state, each begun and ended at known times."""
    clock = StillClock()
    seed = Seed(tmp_path, clock=clock)
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
    yield seed
    seed.close()


SHOTS = {
    "main-80x24": ((80, 24), ["j"], "PASSED"),
    "main-120x40": ((120, 40), ["j"], "PASSED"),
    "main-200x50": ((200, 50), ["j"], "PASSED"),
    "log-wrapped-80x24": ((80, 24), ["j", "enter", "w"], "and so on and"),
    "diff-120x40": ((120, 40), ["j", "j", "2", "enter", "J"], "file 1 of 2"),
    "diff-200x50": ((200, 50), ["j", "j", "2", "z"], "split"),
    "steps-80x24": ((80, 24), ["j", "j", "3", "enter"], "ruff check"),
    "confirm-80x24": ((80, 24), ["j", "j", "A"], "is pushed to"),
    "new-task-80x24": ((80, 24), ["n"], "What should change?"),
    "answer-80x24": ((80, 24), ["j", "j", "j", "c"], "The model asks"),
    "stats-120x40": ((120, 40), ["S"], "By repository"),
    "help-80x24": ((80, 24), ["question_mark"], "every command"),
}


@pytest.mark.parametrize("name", SHOTS)
async def test_a_screen_looks_as_it_did(home: Seed, name: str) -> None:
    size, keys, seen = SHOTS[name]
    async with dashboard(home, size=size) as user:
        await user.sees("● running")
        for key in keys:
            await user.presses(key)
            await user.pilot.pause()
        await user.sees(seen)
        picture = await user.picture()
    compare(name, picture, home)


async def test_without_colour_it_looks_as_it_did(home: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(home, size=(120, 40)) as user:
        await user.sees("● running")
        await user.presses("j", "j", "2")
        await user.sees("▾ src/app.py")
        picture = await user.picture()
    compare("no-color-120x40", picture, home)


async def test_the_first_run_looks_as_it_did(tmp_path: Path) -> None:
    seed = Seed(tmp_path, clock=StillClock())
    async with dashboard(seed, size=(80, 24), checks=CHECKS) as user:
        await user.sees("! github")
        await user.sees_no("Looking at this machine")
        picture = await user.picture()
    compare("first-run-80x24", picture, seed)
    seed.close()


def compare(name: str, picture: str, seed: Seed) -> None:
    """With the picture that is kept: ids are dealt anew for each home, and become `task000001` …"""
    for number, task in enumerate(reversed(seed.tasks.select()), 1):
        picture = picture.replace(task.id, f"task{number:06}")
    picture = re.sub(r"terminal-\d+", "terminal", picture)
    file = GOLDENS / f"{name}.svg"
    if os.environ.get("PITHY_GOLDENS") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(picture, "utf-8")
    assert file.exists(), "no such picture: PITHY_GOLDENS=write writes it"
    assert picture == file.read_text("utf-8"), f"{name} looks different: look at it, then PITHY_GOLDENS=write"
