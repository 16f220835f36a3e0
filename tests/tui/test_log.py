"""Reading a log in the dashboard: following, search, filter, one line whole, a file of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pithy_local.models import Stream
from pithy_local.tui.screens.viewer import LineScreen
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed


async def test_a_search_from_the_end_finds_the_last_match_and_n_goes_round(seed: Seed) -> None:
    seed.log(seed.running(), *("an ERROR" if n in (3, 150) else f"line {n}" for n in range(1, 301)))
    async with dashboard(seed) as user:
        await user.sees("line 300")
        await user.presses("tab", "slash")
        await user.types("error")
        await user.presses("enter")
        await user.sees("PAUSED ▼ · match 2 of 2 · line 150 of")
        await user.presses("n")
        await user.sees("match 1 of 2 · line 3 of 300")
        await user.presses("N")
        await user.sees("match 2 of 2 · line 150 of")
        await user.presses("escape")
        await user.sees_no("/error")
        await user.presses("slash", "x", "y", "z", "enter")
        await user.sees("/xyz is nowhere")


async def test_without_a_search_n_writes_a_new_task(seed: Seed) -> None:
    seed.log(seed.running(), "a line")
    async with dashboard(seed) as user:
        await user.sees("a line")
        await user.presses("tab", "n")
        await user.sees("What should change?")


async def test_only_shows_lines_with_a_text_and_goes_on_following(seed: Seed, other: Seed) -> None:
    lease = other.running()
    other.log(lease, *(f"{'warn' if n % 100 == 0 else 'line'} {n}" for n in range(1, 1001)))
    async with dashboard(seed) as user:
        await user.sees("line 999")
        await user.presses("tab", "ampersand")
        await user.types("warn")
        await user.presses("enter")
        await user.sees("&warn 10 of 1,000", "warn 100 ", "warn 1000", "FOLLOW")
        other.log(lease, "nothing to see", "warn 1002")
        await user.sees("&warn 11 of 1,002", "warn 1002")
        await user.presses("k", "k")
        await user.sees("line 900 of 1,002")
        await user.presses("escape")
        await user.sees("line 900 of 1,002", "line 901")


async def test_enter_shows_one_line_whole_with_json_laid_out_at_the_match(seed: Seed) -> None:
    seed.log(seed.running(), '{"level": "error", "message": "[/foo] it broke"}', f"{'x ' * 9_000} deep in it")
    async with dashboard(seed) as user:
        await user.sees('{"level"')
        await user.presses("tab", "k", "enter")
        await user.until(lambda: isinstance(user.app.screen, LineScreen), "the line")
        await user.sees('"message": "[/foo] it broke"', "standard output")
        await user.presses("escape")
        await user.sees_no("standard output")
        user.log.search("deep")
        await user.sees("/deep")
        await user.presses("j", "enter")
        await user.sees("deep in it")


async def test_the_log_can_be_saved_but_over_no_file_that_is_there(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seed.log(seed.running(), "one", "two \x1b[2J", stream=Stream.ERR)
    target = tmp_path / "a.log"
    async with dashboard(seed) as user:
        await user.sees("! two")
        for told in (f"2 lines are in {target}", f"{target} exists"):
            await user.presses("tab", "s", "ctrl+u")
            await user.types("a.log")
            await user.presses("enter")
            await user.is_told(told)
            await user.presses("escape")
    assert target.read_text() == "one\ntwo \n"


async def test_esc_in_the_prompt_goes_back_to_the_log(seed: Seed) -> None:
    seed.log(seed.running(), "a line")
    async with dashboard(seed) as user:
        await user.sees("a line")
        await user.presses("tab", "slash", "q", "escape")
        await user.until(lambda: user.log.has_focus, "the focus")
        assert user.app.return_value is None
        assert user.log.needle is None


@pytest.mark.parametrize("wrap", [False, True])
async def test_ctrl_c_copies_what_the_mouse_has_selected(seed: Seed, wrap: bool) -> None:
    seed.log(seed.running(), "the first line", "the second line", "the third line")
    async with dashboard(seed) as user:
        await user.sees("the third line")
        await user.presses("tab", *(["w"] if wrap else []))
        await user.pilot.mouse_down("#log", offset=(7, 0))
        await user.pilot.hover("#log", offset=(12, 1))
        await user.pilot.mouse_up("#log", offset=(12, 1))
        await user.presses("ctrl+c")
        await user.is_told("Copied the selection")
        assert user.app.clipboard == "first line\n  the second"
