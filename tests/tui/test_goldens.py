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

from pithy_local.config import Settings
from pithy_local.doctor import Check
from tests.tui.driving import dashboard
from tests.tui.every_state import StillClock, every_state
from tests.tui.seeding import Seed

GOLDENS = Path(__file__).parent / "goldens"
CHECKS = [
    Check(name="git", ok=True, message="git 2.47"), Check(name="disk", ok=True, message="40 GB free"),
    Check(name="docker", ok=False, message="no Docker engine answers", fix="Start Docker, or set DOCKER_HOST."),
    Check(name="github", ok=None, message="there is no token", fix="Set GITHUB_TOKEN to open pull requests."),
]  # fmt: skip


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
    seed = every_state(tmp_path)
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
    "help-80x24": ((80, 24), ["question_mark"], "States"),
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
        await user.sees("▾ M src/app.py")
        picture = await user.picture()
    compare("no-color-120x40", picture, home)


async def test_a_light_theme_looks_as_it_did(tmp_path: Path) -> None:
    seed = every_state(tmp_path, Settings(theme="textual-light"))
    async with dashboard(seed, size=(120, 40)) as user:
        await user.sees("● running")
        await user.presses("j", "j", "2", "z", "w")
        await user.sees("▾ M src/app.py", "split")
        picture = await user.picture()
    compare("light-120x40", picture, seed)
    seed.close()


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
