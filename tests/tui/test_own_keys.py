"""The user's own keys in the dashboard, and the help that shows all of them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from pithy_local.errors import UsageError
from pithy_local.tui.app import Dashboard
from pithy_local.tui.board import Board
from pithy_local.tui.screens.help import HelpScreen
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed


async def test_keys_of_the_users_own_hold_everywhere(seed: Seed) -> None:
    settings = msgspec.structs.replace(seed.app.settings, keys={"task.cancel": "X,delete", "dashboard.new": "f2"})
    seed.queued()
    board = Board(replace(seed.app, settings=settings), worker=False)
    async with dashboard(seed, board=board) as user:
        await user.sees("○ queued", "X Cancel", "f2 New")
        await user.presses("x", "n")
        await user.presses("X")
        await user.sees("Cancel task", "Keep it (n)")
        await user.presses("escape", "question_mark")
        await user.until(lambda: isinstance(user.app.screen, HelpScreen), "the help")
        await user.sees("f2")


def test_wrong_keys_are_told_before_anything_opens(seed: Seed) -> None:
    settings = msgspec.structs.replace(seed.app.settings, keys={"task.cancl": "X"})
    with pytest.raises(UsageError, match=r"no action `task\.cancl`"):
        Dashboard(Board(replace(seed.app, settings=settings), worker=False))


async def test_help_shows_every_key(seed: Seed) -> None:
    async with dashboard(seed, size=(120, 60)) as user:
        await user.presses("question_mark")
        await user.sees(
            "The dashboard", "Cancel (asks first)", "◆ review", "now not: no task is selected", "task.cancel"
        )
