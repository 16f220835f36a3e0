"""Leaving the dashboard by its own keys: for good, and for a while."""

from __future__ import annotations

from pithy_local.tui.board import Board
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed


async def test_quitting_asks_while_something_is_written_and_not_sent(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.presses("n")
        await user.sees("What should change?")
        await user.types("Half a thought")
        await user.presses("ctrl+q")
        await user.sees("did not send is lost", "Quit (l)")
        await user.presses("escape")
        await user.sees_no("did not send")
        await user.sees("Half a thought")
        await user.presses("escape")
        await user.sees_no("What should change?")
        await user.presses("q")
        await user.sees("did not send is lost")
        assert user.app.return_value is None
        await user.presses("l")
        await user.until(lambda: user.app.return_value == 0, "the end")


class Busy(Board):
    def running_here(self) -> int:
        return 1


async def test_ctrl_z_stops_no_attempt_and_ctrl_c_says_what_quits(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed, board=Busy(seed.app, worker=False)) as user:
        await user.presses("ctrl+z")
        await user.is_told("they would stand still")
        await user.presses("ctrl+c")
        await user.is_told("q quits")
