"""Keys that come in one packet: each does what it is for before the next one is looked at."""

from __future__ import annotations

import pytest
from textual.widgets import Input, TextArea

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


async def test_a_key_behind_one_that_ends_a_line_to_type_into_is_no_part_of_it(seed: Seed) -> None:
    seed.log(seed.running(), *(f"{'warn' if n % 10 == 0 else 'line'} {n}" for n in range(1, 101)))
    async with dashboard(seed, size=(160, 40)) as user:
        await user.sees("line 99")
        at_once(user, "tab", "colon", "5", "7", "enter", "j", "j", "j")
        await user.sees("PAUSED ▼ · line 60 of 100")
        at_once(user, "slash", "w", "a", "r", "n", "enter", "n", "n")
        await user.sees("match 8 of 10 · line 80 of 100 · /warn")
        at_once(user, "slash", "x", "y", "escape", "k")
        await user.sees("10 matches · line 79 of 100 · /warn")
        at_once(user, "ampersand", "x", "enter", "escape", "escape")
        await user.sees("FOLLOW ▼")
        await user.sees_no("/warn")
        at_once(user, "escape", "slash", "f", "i", "x", "enter", "enter", "colon", "7", "enter")
        await user.sees("Tasks /fix", "PAUSED ▼ · line 7 of 100")


async def test_a_key_that_goes_to_another_field_is_behind_what_was_typed_in_the_first(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("n")
        await user.sees("What should change?")
        at_once(user, "a", "enter", "b", "shift+tab", "up", "x", "backspace", "y", "tab", "c", "tab", "up", "d")
        (repo, base), prompt = [*user.app.screen.query(Input)][:2], user.app.screen.query_one(TextArea)
        await user.until(lambda: base.value == "d", "the last field's text")
        assert (repo.value, prompt.text) == ("acme/apiy", "a\nbc")


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
