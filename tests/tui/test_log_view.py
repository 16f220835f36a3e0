"""The log's view by itself, fed with pages as a reader would: where it stands, what it draws, what it asks for."""

from __future__ import annotations

from array import array

import pytest

from pithy_local.models import LogLine, Stream
from pithy_local.service import Needle
from pithy_local.tui.records import PAGE, LogPart, Matches
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.log_lines import LogLines
from tests.tui.alone import Watcher, alone
from tests.tui.records import a_line


def a_log(*texts: str, first: int = 1, starts: tuple[tuple[int, int], ...] = ()) -> LogPart:
    """A log of these lines, all of it read; every line of attempt 1 unless `starts` say otherwise."""
    lines = [a_line(first + number, text) for number, text in enumerate(texts)]
    pages: dict[int, list[LogLine]] = {}
    for line in lines:
        pages.setdefault((line.seq - 1) // PAGE, []).append(line)
    return LogPart(
        task="a", first=first, end=first + len(texts) - 1, starts=starts,
        pages={page: tuple(held) for page, held in pages.items()},
    )  # fmt: skip


def a_view(part: LogPart | None = None) -> LogView:
    view = LogView()
    view.window.open("a")
    if part is not None:
        view.window.take(part)
    return view


def badge(view: LogView) -> str:
    return view.badge.plain.strip()


async def test_before_anything_was_read_nobody_says_that_the_log_is_empty() -> None:
    view = a_view()
    async with alone(view) as user:
        await user.sees("Reading…")
        view.take(a_log())
        await user.sees("The log is empty.")


async def test_a_page_that_could_not_be_read_is_asked_for_again() -> None:
    view = a_view(LogPart(task="a", end=10 * PAGE))
    async with alone(view) as user:
        await user.until(lambda: user.heard(LogLines.PagesWanted), "the question")
        view.take(LogPart(task="a", unread=[9]))
        await user.until(lambda: len(user.heard(LogLines.PagesWanted)) == 2, "the second question")
        assert [each.pages for each in user.heard(LogLines.PagesWanted)] == [[9], [9]]
        assert view.rows == 10 * PAGE


async def test_a_paused_view_stays_at_its_lines_when_older_ones_are_removed() -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(1, 401))))
    async with alone(view) as user:
        await user.presses("k", "k", "k")
        view.take(a_log(*(f"line {n}" for n in range(201, 403)), first=201))
        assert badge(view) == "PAUSED +2 new ▼ · line 397 of 402"
        await user.until(lambda: user.lines[6].endswith("line 397"), "the same lines")
        view.take(a_log("removed", first=402))
        assert badge(view) == "PAUSED +1 new ▼ · line 402 of 402"
        await user.until(lambda: [line.strip() for line in user.lines if line] == ["removed"], "the last word")


async def test_a_filtered_view_lets_go_of_lines_that_are_removed() -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(1, 41))))
    async with alone(view) as user:
        view.show_only("line")
        view.take_matches(
            Matches(task="a", needles=(Needle(text="line"),), after=0, scanned=40, seqs=array("Q", range(1, 41)))
        )
        await user.presses("k", "k")
        view.take(a_log("line 39", "line 40", first=39))
        assert badge(view) == "PAUSED ▼ · line 39 of 40 · &line 2 of 2"
        await user.sees("line 39")


async def test_lines_with_tabs_can_be_read_to_their_end() -> None:
    view = a_view(a_log("\t" * 8 + "x" * 30 + "END"))
    async with alone(view) as user:
        await user.sees("»")
        for _ in range(12):
            await user.presses("right")
        await user.sees("xEND")
        assert "»" not in "".join(user.lines)


async def test_each_wrapped_line_can_be_reached_and_a_frame_breaks_each_once() -> None:
    view = a_view(a_log(*(f"{n} {'x' * 60} end{n}" for n in range(1, 21)), "y" * 400))
    async with alone(view) as user:
        await user.presses("w", "g")
        seen = shown_ends(user)
        while not view.following:
            await user.presses("pagedown")
            seen |= shown_ends(user)
        assert seen == {*range(1, 21)}
        await user.until(lambda: user.lines[9].strip().endswith("»"), "that a line goes on below")
        while view.cursor:
            await user.presses("pageup")
            seen -= shown_ends(user)
        assert seen == set()
        before = view._broken.cache_info()
        view.refresh()
        await user.pilot.pause()
        after = view._broken.cache_info()
        assert 0 < after.hits - before.hits + after.misses - before.misses <= 3 * view.view_height


def shown_ends(user: Watcher) -> set[int]:
    return {n for n in range(1, 21) if any(f"end{n}" in line.split() for line in user.lines)}


async def test_a_search_goes_sideways_to_the_match() -> None:
    view = a_view(a_log("here", "x" * 200 + "here" + "x" * 100, "the end"))
    async with alone(view) as user:
        view.search("here")
        await user.pilot.pause()
        assert hunts(user) == [(3, True, 1)]
        found(view, 2)
        await user.sees("xxhere")
        await user.presses("escape")
        assert view.scroll_offset.x == 0
        view.search("here")
        await user.presses("N")
        found(view, 1)
        await user.until(lambda: user.lines[0].strip() == "here", "the beginning of the line")
        view.take(a_log("here", "x" * 200 + "here", "the end"))
        assert badge(view) == "PAUSED ▼ · /here · line 1 of 3"


def found(view: LogView, seq: int | None) -> None:
    """The reader's answer to the last question."""
    assert view.hunt is not None
    view.found(view.hunt, seq)


def hunts(user: Watcher) -> list[tuple[int, bool, int]]:
    """Each search that was asked for: from which line, whether upwards, and the how-many-th match."""
    asked = [message.hunt for message in user.heard(LogView.FindWanted)]
    return [(hunt.start, hunt.backwards, hunt.steps) for hunt in asked]


async def test_keys_pressed_while_a_match_is_looked_for_count() -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(1, 100))))
    async with alone(view) as user:
        view.search("line")
        found(view, 50)
        await user.presses("n", "n", "n")
        assert hunts(user)[1:] == [(51, False, 1), (51, False, 2), (51, False, 3)]
        await user.presses("j", "N")  # who goes on by himself is not taken away by what is found later
        assert hunts(user)[-1] == (50, True, 1)
        found(view, 70)
        assert badge(view) == "PAUSED ▼ · /line · line 70 of 99"
        view.search("liner")
        assert badge(view) == "PAUSED ▼ · /liner … · line 70 of 99"
        found(view, None)
        assert badge(view) == "PAUSED ▼ · /liner is nowhere · line 70 of 99"
        view.show("b")
        assert badge(view) == "FOLLOW ▼ · /liner"


async def test_a_match_in_the_last_line_is_looked_at_not_followed() -> None:
    view = a_view(a_log("one", "two"))
    async with alone(view) as user:
        view.search("two")
        found(view, 2)
        view.take(a_log("one", "two", "three"))
        await user.pilot.pause()
        assert badge(view) == "PAUSED +1 new ▼ · /two · line 2 of 3"


async def test_a_filter_that_lets_nothing_through_says_so_while_lines_pour_in() -> None:
    view = a_view(a_log("one", "two"))
    async with alone(view) as user:
        view.show_only("three")
        await user.sees("Searching…")
        view.take_matches(Matches(task="a", needles=(Needle(text="three"),), after=0, scanned=2, seqs=array("Q")))
        view.take(a_log("one", "two", "four"))
        await user.sees("No line has this text")


async def test_where_an_attempt_begins_there_is_a_border_and_a_way_to_it() -> None:
    starts = ((1, 1), (31, 2), (61, 4))
    words = ["attempt 2: openai gpt-4o" if n == 31 else f"line {n}" for n in range(1, 91)]
    view = a_view(a_log(*words, starts=starts))
    async with alone(view) as user:
        assert badge(view) == "FOLLOW ▼ · attempt 4"
        view.action_previous_attempt()
        await user.sees("━━ attempt 4 · line 61 ━━━")
        view.action_previous_attempt()
        await user.sees("━━ attempt 2: openai gpt-4o ━━━")
        assert badge(view) == "PAUSED ▼ · line 31 of 90 · attempt 2"
        view.action_previous_attempt()
        view.action_previous_attempt()
        assert view.cursor == 0
        view.action_next_attempt()
        assert view.cursor == 30


async def test_a_paused_view_keeps_its_cursor_in_sight_when_there_is_less_room() -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(1, 41))))
    async with alone(view, size=(40, 20)) as user:
        await user.presses("k")
        await user.pilot.resize_terminal(40, 8)
        await user.until(lambda: view.cursor in view.in_view, "the cursor's row")


@pytest.mark.parametrize(("key", "shown"), [("t", "00:00:00 ! an error"), ("w", "! an error")])
async def test_marks_and_times(key: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    part = LogPart(task="a", end=1, pages={0: (a_line(1, "an error", stream=Stream.ERR),)})
    async with alone(a_view(part)) as user:
        await user.presses(key)
        await user.sees(shown)
