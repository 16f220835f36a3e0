"""Keys that come in one packet: each does what it is for before the next one is looked at."""

from __future__ import annotations

import pytest

from pithy_local.models import Status, Stream
from pithy_local.tui.actions import Place
from pithy_local.tui.screens.confirm import ConfirmScreen
from pithy_local.tui.screens.viewer import LineScreen
from pithy_local.tui.widgets.bars import Prompt
from tests.tui.driving import dashboard
from tests.tui.ptys import MAIN_SCREEN, terminal
from tests.tui.seeding import Seed
from tests.tui.test_dialogs import at_once, is_open


@pytest.mark.parametrize("keys", [("n", "n"), ("y", "n"), ("enter", "n")])
async def test_what_was_typed_behind_an_answer_opens_nothing_below(seed: Seed, keys: tuple[str, ...]) -> None:
    task = seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("x")
        await is_open(user, ConfirmScreen)
        at_once(user, *keys)
        await user.until(lambda: user.app.screen is user.main, "the dashboard")
        await user.pilot.pause()
        assert user.app.screen is user.main
        await user.until(lambda: (seed.tasks.get(task.id).status is Status.CANCELLED) is ("y" in keys), "the answer")
        await user.presses("n")
        await user.sees("What should change?")


async def test_a_key_behind_one_that_moves_the_focus_is_for_where_it_went(seed: Seed) -> None:
    seed.log(seed.running(), "a line", stream=Stream.SYS)
    async with dashboard(seed) as user:
        await user.sees("a line")
        prompt = user.main.query_one(Prompt)
        for keys, label in ((("enter", "slash"), "Search"), (("escape", "escape", "slash"), "Filter")):
            at_once(user, *keys)
            await user.until(lambda: prompt.is_open, "the line to type into")
            await user.sees(f" {label} ")
            await user.presses("escape")
        assert user.main.place is Place.TASKS


async def test_a_key_behind_one_that_opens_a_line_of_the_log_is_for_that_line(seed: Seed) -> None:
    seed.log(seed.running(), "a line", stream=Stream.SYS)
    async with dashboard(seed) as user:
        await user.sees("a line")
        at_once(user, "enter", "enter", "y")
        await user.is_told("Copied the line")
        assert not isinstance(user.app.screen, LineScreen)


def test_a_second_no_on_a_real_terminal_opens_nothing(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("x", b"Keep it")
        start = len(screen.written)
        screen.types("nn")
        screen.until(b"queue 1", start=start)  # the question is gone
        screen.presses_until("q", MAIN_SCREEN)  # in a dialog it would be text
        assert screen.ends() == 0
