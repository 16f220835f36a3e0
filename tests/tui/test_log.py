"""Reading a log: following, search, filter, wrapped lines, one line whole, a file of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pithy_local.models import Stream
from pithy_local.service import Needle
from pithy_local.store.log_search import STEP, find, matching
from pithy_local.tui.models import wrapping
from pithy_local.tui.models.logwindow import LogWindow
from pithy_local.tui.models.pages import Pages
from pithy_local.tui.records import PAGE, LogPart
from pithy_local.tui.screens.viewer import LineScreen, whole
from tests.tui.driving import dashboard
from tests.tui.records import a_line
from tests.tui.seeding import Seed


async def test_a_search_from_the_end_finds_the_last_match_and_n_goes_round(seed: Seed) -> None:
    seed.log(seed.running(), *("an ERROR" if n in (3, 150) else f"line {n}" for n in range(1, 301)))
    async with dashboard(seed) as user:
        await user.sees("line 300")
        await user.presses("tab", "slash")
        await user.types("error")
        await user.presses("enter")
        await user.sees("150 of 300", "/error", "PAUSED")
        await user.presses("n")
        await user.sees("3 of 300")
        await user.is_told("from the other end")
        await user.presses("N")
        await user.sees("150 of 300")
        await user.presses("escape")
        await user.sees_no("/error")
        await user.presses("slash", "x", "y", "z", "enter")
        await user.is_told("Nothing has `xyz` in it")


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
        await user.sees("9 of 11")
        await user.presses("escape")
        await user.sees("900 of 1,002", "line 901")


async def test_long_lines_wrap_and_every_line_can_be_reached(seed: Seed) -> None:
    seed.log(seed.running(), *(f"{n} " + "x" * 300 + f" end{n}" for n in range(1, 41)))
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("40 xxx", "»")
        await user.presses("enter", "w")
        await user.sees("end40")
        seen = set()
        await user.presses("g")
        await user.sees("1 of 40")
        for _ in range(40):
            seen |= {n for n in range(1, 41) if f"end{n} " in user.screen}
            await user.presses("j")
        await user.sees("FOLLOW", "end40")
        assert seen | {40} == {*range(1, 41)}


async def test_times_are_shown_on_demand(seed: Seed) -> None:
    seed.log(seed.running(), "a line")
    async with dashboard(seed) as user:
        await user.sees("a line")
        await user.presses("tab", "t")
        await user.until(lambda: ":" in user.screen.split("a line")[0].splitlines()[-1], "a time")


async def test_enter_shows_one_line_whole_with_json_laid_out(seed: Seed) -> None:
    seed.log(seed.running(), '{"level": "error", "message": "[/foo] it broke"}')
    async with dashboard(seed) as user:
        await user.sees('{"level"')
        await user.presses("tab", "enter")
        await user.until(lambda: isinstance(user.app.screen, LineScreen), "the line")
        await user.sees('"message": "[/foo] it broke"', "standard output")
        await user.presses("escape")
        await user.sees_no("standard output")


async def test_the_log_can_be_saved_but_over_no_file_that_is_there(seed: Seed, tmp_path: Path) -> None:
    seed.log(seed.running(), "one", "two \x1b[2J", stream=Stream.ERR)
    target = tmp_path / "a.log"
    async with dashboard(seed) as user:
        await user.sees("! two")
        for told in ("2 lines are in", "File exists"):
            await user.presses("tab", "s", "ctrl+u")
            await user.types(str(target))
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


def test_the_scan_finds_across_its_steps(seed: Seed) -> None:
    lease = seed.running()
    here = (7, STEP, 2 * STEP + 50)
    for start in range(1, 2 * STEP + 100, 10_000):
        seed.log(lease, *("Needle" if n in here else "hay" for n in range(start, start + 10_000)))
    end = seed.logs.last_seq(lease.task.id)
    store, task, needle = seed.app.store, lease.task.id, [Needle(text="needle")]
    assert list(matching(store, task, needle, start=1, end=end)) == [*here]
    assert find(store, task, needle, start=8, end=end) == STEP
    assert find(store, task, needle, start=1, end=STEP - 1, backwards=True) == 7
    assert find(store, task, [Needle(text="NEEDLE")], start=1, end=end) is None
    assert find(store, task, [*needle, Needle(text="Need")], start=1, end=end) == 7
    assert find(store, task, needle, start=1, end=end, wanted=lambda: False) is None


@pytest.mark.parametrize("text", ["100%", "a_b", "[/x]", "日本", "'; DROP TABLE line"])
def test_a_search_takes_its_text_as_it_is(seed: Seed, text: str) -> None:
    lease = seed.running()
    seed.log(lease, "1000 axb", f"before {text} after")
    assert find(seed.app.store, lease.task.id, [Needle(text=text)], start=1, end=2) == 2


def test_lines_that_are_no_longer_kept_are_told_from_those_to_read() -> None:
    pages = Pages()
    pages.put(0, [a_line(seq) for seq in range(100, PAGE + 1)])
    assert pages.is_gone(99)
    assert not pages.is_gone(100)
    assert not pages.is_gone(PAGE + 1)


def test_a_windows_rows_are_its_lines_or_those_that_match() -> None:
    window = LogWindow()
    window.open("a")
    window.take(LogPart(task="a", end=1_000, pages={0: tuple(a_line(seq) for seq in range(1, PAGE + 1))}))
    assert (window.rows, window.seq(9), window.row_of(10)) == (1_000, 10, 9)
    assert not window.take(LogPart(task="b", end=2_000))
    window.filter(Needle(text="x"), 40)
    assert (window.rows, window.unscanned) == (0, (Needle(text="x"), 0))


@pytest.mark.parametrize(("text", "width", "lines"), [("", 5, 1), ("abcde", 5, 1), ("abcdef", 5, 2), ("日本語", 4, 2)])
def test_lines_are_wrapped_by_columns(text: str, width: int, lines: int) -> None:
    from rich.text import Text

    pieces = wrapping.parts(Text(text), width)
    assert len(pieces) == lines
    assert "".join(piece.plain for piece in pieces) == text
    assert all(piece.cell_len <= width for piece in pieces)


def test_wrapped_rows_fill_the_view_from_above_and_from_below() -> None:
    def three(row: int) -> int:
        return 3

    assert wrapping.place_from(2, 10, 4, three) == [(2, 0), (2, 1), (2, 2), (3, 0)]
    assert wrapping.place_up_to(9, 4, three) == [(8, 2), (9, 0), (9, 1), (9, 2)]
    assert wrapping.place_from(9, 10, 5, three) == [(9, 0), (9, 1), (9, 2)]


def test_a_line_whole_says_who_wrote_it_and_does_nothing() -> None:
    shown = whole(a_line(text="\x1b[2J[/foo]\x1b]52;c;aGk=\x07 x", stream=Stream.ERR)).plain
    assert "standard error" in shown
    assert shown.endswith("[/foo] x")


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
