"""What the log's view is made of: the window over the lines, how a line looks, where it is broken, what is found."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.text import Text

from pithy_local.errors import PithyError, Refused, UsageError
from pithy_local.models import Stream
from pithy_local.service import Needle
from pithy_local.store.log_search import STEP, find, matching
from pithy_local.tui import look
from pithy_local.tui.board import Board
from pithy_local.tui.models import wrapping
from pithy_local.tui.models.logwindow import LogWindow
from pithy_local.tui.models.pages import Pages
from pithy_local.tui.records import PAGE, Hunt, LogPart, Matches, Scan
from tests.tui.records import a_line
from tests.tui.seeding import Seed

# ---- where a text is found


def test_the_scan_finds_across_its_steps(seed: Seed) -> None:
    lease = seed.running()
    here = (7, STEP, 2 * STEP + 50)
    for start in range(1, 2 * STEP + 100, 10_000):
        seed.log(lease, *("Needle" if n in here else "hay" for n in range(start, start + 10_000)))
    end = seed.logs.last_seq(lease.task.id)
    store, task, needle = seed.app.store, lease.task.id, [Needle(text="needle")]
    assert [(upto, *seqs) for upto, seqs in matching(store, task, needle, start=1, end=end)] == [
        (STEP, 7, STEP), (2 * STEP, ), (end, 2 * STEP + 50)
    ]  # fmt: skip
    assert find(store, task, needle, start=8, end=end) == STEP
    assert find(store, task, needle, start=1, end=STEP - 1, backwards=True) == 7
    assert find(store, task, [Needle(text="NEEDLE")], start=1, end=end) is None
    assert find(store, task, [*needle, Needle(text="Need")], start=1, end=end) == 7
    assert find(store, task, needle, start=1, end=end, wanted=lambda: False) is None


@pytest.mark.parametrize("text", ["100%", "a_b", "[/x]", "日本", "'; DROP TABLE line", "a.b", "\\d"])
def test_a_search_takes_its_text_as_it_is(seed: Seed, text: str) -> None:
    lease = seed.running()
    seed.log(lease, "1000 axb 7", f"before {text} after", f"\x1b[1mbefore\x1b[0m {text} after")
    needles = [Needle(text=text)]
    assert find(seed.app.store, lease.task.id, needles, start=1, end=3) == 2
    assert find(seed.app.store, lease.task.id, needles, start=3, end=3) == 3


@pytest.mark.parametrize(
    ("line", "found", "not_found"),
    [
        ("\x1b[31mERR\x1b[0mOR split", "error split", "31m"),
        ("10%\r100% done", "100% done", "10%\r"),
        ("old words\rnew", "new", "old"),
        ("a\tb", "a       b", "\t"),
        ("\x1b]0;title\x07shown", "shown", "title"),
        ("ÄRGER mit Öl", "ärger mit öl", "argER"),
        ("plain Ascii", "ascii", "ASCII"),
        ("Ça va", "Ça", "ÇA"),
    ],
)
def test_a_search_looks_at_lines_as_they_are_shown(seed: Seed, line: str, found: str, not_found: str) -> None:
    lease = seed.running()
    seed.log(lease, line)
    assert find(seed.app.store, lease.task.id, [Needle(text=found)], start=1, end=1) == 1
    assert find(seed.app.store, lease.task.id, [Needle(text=not_found)], start=1, end=1) is None


@pytest.mark.parametrize(
    ("text", "needle", "marked"),
    [
        ("İstanbul ABC", "abc", ["ABC"]),
        ("xx Ä ä", "ä", ["Ä", "ä"]),
        ("aXa", "A", []),
        ("\x1b[1ma\x1b[0mb", "ab", ["ab"]),
    ],
)
def test_what_is_found_is_marked_where_it_stands(text: str, needle: str, marked: list[str]) -> None:
    shown = look.log_line(a_line(text=text), needle=Needle(text=needle))
    assert [shown.plain[span.start : span.end] for span in shown.spans if span.style == look.MATCH] == marked


def test_the_mark_of_a_line_is_not_searched_in() -> None:
    line = a_line(text="no such word", stream=Stream.ERR)
    shown = look.log_line(line, needle=Needle(text="attempt"), begins=2)
    assert shown.plain == "━━ attempt 2 · no such word"
    assert look.first_match(shown) == (27, 27)
    assert look.first_match(look.log_line(a_line(text="日本 such"), needle=Needle(text="such"))) == (7, 11)


def test_several_steps_of_a_search_go_round(seed: Seed) -> None:
    lease = seed.running()
    seed.log(lease, "x", "-", "x", "-", "x")
    board = Board(seed.app, worker=False)

    def at(start: int, steps: int, *, backwards: bool = False, text: str = "x") -> int | None:
        needles = (Needle(text=text),)
        hunt = Hunt(task=lease.task.id, needles=needles, start=start, backwards=backwards, steps=steps)
        return board.find_line(hunt, wanted=lambda: True)

    assert [at(2, steps) for steps in (1, 2, 3, 4)] == [3, 5, 1, 3]
    assert [at(4, steps, backwards=True) for steps in (1, 2, 3)] == [3, 1, 5]
    assert at(1, 2, text="y") is None


# ---- the window


def test_a_windows_rows_are_its_lines_or_those_that_match() -> None:
    window = LogWindow()
    window.open("a")
    assert not window.known
    window.take(LogPart(task="a", end=1_000, pages={0: tuple(a_line(seq) for seq in range(1, PAGE + 1))}))
    assert (window.known, window.rows, window.seq(9), window.row_of(10)) == (True, 1_000, 10, 9)
    assert not window.take(LogPart(task="b", end=2_000))
    assert not window.take(LogPart(task="a", unread=[1]))
    window.filter(Needle(text="x"), 40)
    assert (window.rows, window.unscanned) == (0, (Scan(task="a", needles=(Needle(text="x"),)),))


def test_lines_that_are_removed_leave_the_window() -> None:
    window = LogWindow()
    window.open("a")
    window.take(LogPart(task="a", end=300, pages={0: tuple(a_line(seq) for seq in range(1, PAGE + 1))}))
    window.take(LogPart(task="a", first=100, end=300))
    assert (window.rows, window.dropped, window.seq(0)) == (201, 99, 100)
    assert window.line(0) is None  # the word about their removal may stand there: it must be read again
    window.take(LogPart(task="a", end=300, pages={0: (a_line(1),)}))  # read before they were removed
    assert (window.rows, window.line(0)) == (201, None)
    window.filter(Needle(text="x"), 40)
    window.take_matches(
        Matches(task="a", needles=(Needle(text="x"),), after=0, scanned=200, seqs=array("Q", [1, 150, 180]))
    )
    assert [window.seq(row) for row in range(window.rows)] == [150, 180]
    window.take(LogPart(task="a", first=160, end=300))
    assert (window.rows, window.dropped) == (1, 100)
    assert window.unscanned == (Scan(task="a", needles=(Needle(text="x"),), after=200),)


def test_a_window_knows_where_attempts_begin() -> None:
    window = LogWindow()
    window.open("a")
    window.take(LogPart(task="a", end=9, starts=[(1, 1), (4, 3)]))
    assert [window.begins(row) for row in range(5)] == [1, 0, 0, 3, 0]
    assert window.attempt_rows() == [0, 3]
    window.filter(Needle(text="x"), 40)
    window.take_matches(Matches(task="a", needles=(Needle(text="x"),), after=0, scanned=9, seqs=array("Q", [2, 5, 6])))
    assert [window.begins(row) for row in range(3)] == [1, 3, 0]
    window.open("b")
    window.take(LogPart(task="b", end=9, starts=[(1, 2)]))
    assert window.begins(0) == 0


def test_a_page_makes_room_and_a_shorter_one_replaces_none() -> None:
    pages = Pages(kept=2)
    pages.put(0, [a_line(1), a_line(2)])
    pages.put(0, [a_line(1)])
    assert pages.line(2) == a_line(2)
    pages.put(1, [a_line(PAGE + 1)])
    pages.put(2, [a_line(2 * PAGE + 1)])
    assert pages.line(2) is None


# ---- how a line looks


@pytest.mark.parametrize(
    "text", ["plain", "\ta\tb", "\x1b[31mred\x1b[0m", "日本\t語", "10%\r100%", "x" * 5_000, "👍🏽 ok", "\x1b]0;t\x07\a"]
)
def test_a_lines_width_is_what_it_takes(text: str) -> None:
    line = a_line(text=text)
    assert look.log_line_width(line) == look.log_line(line).cell_len


@pytest.mark.parametrize(("text", "width", "lines"), [("", 5, 1), ("abcde", 5, 1), ("abcdef", 5, 2), ("日本語", 4, 2)])
def test_lines_are_wrapped_by_columns(text: str, width: int, lines: int) -> None:
    pieces = wrapping.parts(Text(text), width, 9)
    assert len(pieces) == lines
    assert "".join(piece.plain for piece in pieces) == text
    assert all(piece.cell_len <= width for piece in pieces)


@pytest.mark.parametrize(("most", "pieces"), [(1, ["abcdefgh"]), (2, ["abc", "defgh"]), (3, ["abc", "def", "gh"])])
def test_the_last_piece_has_all_the_rest(most: int, pieces: list[str]) -> None:
    assert [piece.plain for piece in wrapping.parts(Text("abcdefgh"), 3, most)] == pieces


def test_wrapped_rows_fill_the_view_from_above_and_from_below() -> None:
    def three(row: int) -> int:
        return 3

    assert wrapping.place_from(2, 10, 4, three) == [(2, 0), (2, 1), (2, 2), (3, 0)]
    assert wrapping.place_up_to(9, 4, three) == [(8, 2), (9, 0), (9, 1), (9, 2)]
    assert wrapping.place_from(9, 10, 5, three) == [(9, 0), (9, 1), (9, 2)]


# ---- a file of it


def test_a_saved_log_is_as_the_command_line_writes_it(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = seed.running()
    seed.log(lease, "one", "two \x1b[2J", "50%\r100%")
    monkeypatch.chdir(tmp_path)
    assert Board(seed.app, worker=False).save_log(lease.task.id, "a.log") == (3, tmp_path / "a.log")
    assert (tmp_path / "a.log").read_text() == "one\ntwo \n100%\n"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        (lambda seed: "~nosuchuser/x.log", UsageError, "there is no folder .*/~nosuchuser"),
        (lambda seed: "/nonexistent/x.log", UsageError, "there is no folder /nonexistent"),
        (lambda seed: str(seed.app.home.root / "x.log"), UsageError, "is inside the home"),
        (lambda seed: str(seed.app.home.root.parent), Refused, "exists"),
        (lambda seed: "x" * 300, UsageError, "cannot write"),
        (lambda seed: "/proc/x.log", UsageError, "cannot write"),
    ],
)
def test_a_file_that_cannot_be_is_refused(
    seed: Seed, name: Callable[[Seed], str], kind: type[PithyError], words: str
) -> None:
    lease = seed.running()
    seed.log(lease, "a line")
    with pytest.raises(kind, match=words):
        Board(seed.app, worker=False).save_log(lease.task.id, name(seed))
    assert not (seed.app.home.root / "x.log").exists()
