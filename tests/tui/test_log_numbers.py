"""Numbers in the log: of the match one is at, and of the line one goes to."""

from __future__ import annotations

from array import array

import pytest

from pithy_local.service import Needle
from pithy_local.tui.board import Board
from pithy_local.tui.models.linenumber import line_number
from pithy_local.tui.models.logmatches import MOST_COUNTED, LogMatches, numbered
from pithy_local.tui.models.logwindow import LogWindow
from pithy_local.tui.records import LogPart, Matches, Scan
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.log_search import SearchedLog
from tests.tui.alone import alone
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed
from tests.tui.test_log_view import a_log, a_view, badge, found

X = (Needle(text="x"),)


def answer(after: int, scanned: int, *seqs: int) -> Matches:
    return Matches(task="a", needles=X, after=after, scanned=scanned, seqs=array("Q", seqs))


# ---- matches


@pytest.mark.parametrize(
    ("found", "at", "more", "words"),
    [
        ([], 1, True, ""),
        ([2, 5, 9], 5, False, "match 2 of 3"),
        ([2, 5, 9], 6, False, "3 matches"),
        ([2, 5, 9], 99, True, "3+ matches"),
        ([5], 4, False, "1 match"),
        (range(1, 1_001), 1_000, True, "match 1,000 of 1,000+"),
    ],
)
def test_a_match_has_a_number(found: list[int], at: int, more: bool, words: str) -> None:
    assert numbered(found, at, more=more) == words


def test_counting_ends_where_there_are_too_many() -> None:
    matches = LogMatches(X, 10, most=3)
    assert matches.scan("a", 10) == Scan(task="a", needles=X, after=0, most=3)
    assert matches.take(answer(0, 4, 1, 2), 1)
    assert not matches.take(answer(0, 4, 1, 2), 1)  # once more: it is known
    assert matches.scan("a", 10) == Scan(task="a", needles=X, after=4, most=1)
    assert matches.take(answer(4, 8, 5, 6), 1)
    assert (matches.scan("a", 10), matches.more(10), matches.more(8)) == (None, True, False)
    assert matches.forget_before(3) == 2
    assert matches.scan("a", 10) == Scan(task="a", needles=X, after=8, most=1)
    assert matches.take(answer(8, 10), 3)
    assert (matches.scan("a", 10), matches.scan("a", 12) is None, matches.more(12)) == (None, False, False)


def test_a_scan_stops_when_it_has_found_enough(seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pithy_local.store.log_search.STEP", 10)
    lease = seed.running()
    seed.log(lease, *["x"] * 50)
    scan = Scan(task=lease.task.id, needles=X, after=5, most=15)
    answers = list(Board(seed.app, worker=False).matches(scan))
    assert [(each.after, each.scanned, len(each.seqs)) for each in answers] == [(5, 15, 10), (15, 25, 10)]


def test_what_is_searched_for_is_counted_among_what_the_filter_shows() -> None:
    window = LogWindow()
    window.open("a")
    window.count(X[0])
    assert not window.matchless
    window.take(LogPart(task="a", end=5))
    assert [scan.needles for scan in window.unscanned] == [X]
    window.filter(Needle(text="y"), 40)
    assert [scan.needles for scan in window.unscanned] == [(Needle(text="y"),), (*X, Needle(text="y"))]
    window.filter(X[0], 40)
    assert {scan.needles for scan in window.unscanned} == {X}
    assert window.take_matches(answer(0, 5, 2, 4))
    assert (window.rows, window.match_words(1), window.unscanned) == (2, "match 2 of 2", ())
    window.count(None)
    assert (window.match_words(1), window.matchless) == ("", False)


def test_a_search_for_the_filters_own_text_is_no_question_of_its_own() -> None:
    window = LogWindow()
    window.open("a")
    window.filter(X[0], 40)
    window.take(LogPart(task="a", end=5))
    window.take_matches(answer(0, 5, 2, 4))
    window.take(LogPart(task="a", end=9))
    window.count(X[0])
    assert window.match_words(1) == "match 2 of 2"
    assert window.unscanned == (Scan(task="a", needles=X, after=5),)
    window.take_matches(answer(5, 9, 7))
    assert (window.rows, window.match_words(1)) == (3, "match 2 of 3")
    window.take(LogPart(task="a", end=9, first=3))
    assert (window.rows, window.dropped, window.match_words(0)) == (2, 1, "match 1 of 2")
    window.filter(None, 40)
    assert window.unscanned == (Scan(task="a", needles=X, most=MOST_COUNTED),)


def test_a_filter_never_shows_more_lines_than_there_are() -> None:
    window = LogWindow()
    window.open("a")
    window.filter(X[0], 40)
    window.take(LogPart(task="a", end=5))
    window.take_matches(answer(0, 9, 2, 8))  # what came in since the end was read is looked at as well
    assert (window.rows, window.kept, window.end) == (2, 9, 9)


async def test_the_count_follows_new_lines_and_removed_ones_and_ends_with_the_search() -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(1, 41))))
    async with alone(view) as user:
        view.search("x")
        assert view.scans == []  # first the match that is waited for
        found(view, None)
        assert view.scans == [Scan(task="a", needles=X, most=MOST_COUNTED)]
        assert badge(view) == "FOLLOW ▼ · /x is nowhere"
        view.take(a_log(*(f"line {n}" for n in range(1, 51))))
        view.take_matches(answer(0, 20, 7))
        assert badge(view) == "FOLLOW ▼ · 1+ matches · /x"
        view.take_matches(answer(20, 40, 30))
        assert badge(view) == "FOLLOW ▼ · 2 matches · /x"
        await user.presses("n")
        found(view, 7)
        assert badge(view) == "PAUSED ▼ · match 1 of 2 · line 7 of 50 · /x went round"
        view.take_matches(answer(40, 50, 50))
        assert badge(view) == "PAUSED ▼ · match 1 of 3 · line 7 of 50 · /x went round"
        view.take(a_log(*(f"line {n}" for n in range(11, 51)), first=11))
        view.search("y")
        assert badge(view) == "PAUSED ▼ · /y … · line 11 of 50"
        assert len(user.heard(LogView.ScansChanged)) == 1
        await user.pilot.pause()
        assert len(user.heard(LogView.ScansChanged)) == 2
        assert not view.window.take_matches(answer(50, 50, 50))


async def test_matches_are_counted_while_the_log_grows(seed: Seed, other: Seed) -> None:
    lease = other.running()
    other.log(lease, *(f"{'warn' if n % 100 == 0 else 'line'} {n}" for n in range(1, 1_001)))
    async with dashboard(seed) as user:
        await user.sees("line 999")
        await user.presses("tab", "slash")
        await user.types("warn")
        await user.presses("enter", "f")
        await user.sees("FOLLOW ▼ · match 10 of 10 · /warn")
        other.log(lease, "warn", "and no more")
        await user.sees("FOLLOW ▼ · 11 matches · /warn")


# ---- lines


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 90), (" $ ", 90), ("12", 12), (" 1,200 ", 1_200), ("0", 0), ("007", 7), ("9" * 5_000, 10**18 - 1),
        ("-3", None), ("1.5", None), ("abc", None), ("²", None), ("\u0661", None), (",", None), ("+1", None),
    ],
)  # fmt: skip
def test_a_lines_number_as_it_is_typed(text: str, number: int | None) -> None:
    assert line_number(text, 90) == number


@pytest.mark.parametrize(
    ("typed", "stands", "told"),
    [
        ("57", "PAUSED ▼ · line 57 of 90", ""),
        ("", "FOLLOW ▼", ""),
        ("$", "FOLLOW ▼", ""),
        ("90", "FOLLOW ▼", ""),
        ("1,000", "FOLLOW ▼", "The log ends at line 90"),
        ("3", "PAUSED ▼ · line 11 of 90", "The log begins at line 11"),
        ("here[/x]\x1b", "PAUSED ▼ · line 20 of 90", "`here[/x]\x1b` is no line's number; `$` is the end"),
    ],
)
async def test_a_line_is_gone_to_by_its_number(typed: str, stands: str, told: str) -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(11, 91)), first=11))
    async with alone(view) as user:
        view.go_to("20")
        view.go_to(typed)
        assert badge(view) == stands
        await user.pilot.pause()
        assert [each.text for each in user.heard(SearchedLog.Noted)] == ([told] if told else [])


async def test_a_line_that_the_filter_hides_gives_way_to_the_next_one() -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(1, 91))))
    async with alone(view) as user:
        view.show_only("x")
        view.go_to("3")
        view.take_matches(answer(0, 90, 5, 50, 70))
        for number, line in (("6", 50), ("50", 50), ("80", 70)):
            view.go_to(number)
            assert view.window.seq(view.cursor) == line
        await user.pilot.pause()
        assert [each.text for each in user.heard(SearchedLog.Noted)] == [
            "There is no line to go to", "The filter hides line 6; this is line 50",
            "The filter hides line 80; this is line 70",
        ]  # fmt: skip


async def test_the_line_to_type_into_takes_a_lines_number(seed: Seed) -> None:
    seed.log(seed.running(), *(f"line {n}" for n in range(1, 2_001)))
    async with dashboard(seed) as user:
        await user.sees("line 2000")
        await user.presses("tab", "colon")
        await user.sees("Go to line", "$ is the end")
        await user.types("1234")
        await user.presses("enter")
        await user.sees("line 1,234 of 2,000", "line 1234")
        await user.until(lambda: user.log.has_focus, "the focus")
        await user.presses("colon")
        await user.types("5000")
        await user.presses("enter")
        await user.is_told("The log ends at line 2,000")
        await user.sees("FOLLOW")
        await user.presses("colon", "x", "escape")
        await user.sees_no("Go to line")
        assert user.log.following
