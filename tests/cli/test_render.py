"""Tables, TSV and the small words for sizes and times."""

from __future__ import annotations

import pytest

from pithy_local.cli import render
from pithy_local.cli.render import Cell, Screen
from pithy_local.models import Status

PLAIN = Screen(tty=True, colour=False, width=40)
COLOUR = Screen(tty=True, colour=True, width=40)


def test_columns_are_aligned() -> None:
    shown = render.table(("A", "B"), [("x", "1"), ("long", "2")], PLAIN, flexible=(0,))
    assert shown.splitlines() == ["A     B", "x     1", "long  2"]


def test_wide_characters_count_two_columns() -> None:
    shown = render.table(("A", "B"), [("日本", "1"), ("abcd", "2")], PLAIN, flexible=(0,))
    assert shown.splitlines()[1:] == ["日本  1", "abcd  2"]


def test_the_flexible_column_gives_way_on_a_narrow_terminal() -> None:
    shown = render.table(("A", "B"), [("x" * 60, "1234")], PLAIN, flexible=(0,))
    assert all(render.cell_width(line) <= 40 for line in shown.splitlines())
    assert shown.splitlines()[1].endswith("…  1234")


def test_several_flexible_columns_give_way_widest_first() -> None:
    shown = render.table(("A", "B", "C"), [("x" * 60, "y" * 30, "1234")], PLAIN, flexible=(0, 1))
    assert shown.splitlines()[1] == "x" * 15 + "…  " + "y" * 15 + "…  1234"


def test_characters_that_take_no_room_count_none() -> None:
    assert [render.cell_width(text) for text in ("❤\ufe0f", "e\u0301", "ب\u200c", "日")] == [1, 1, 1, 2]


def test_a_cell_cannot_break_the_table_or_the_terminal() -> None:
    shown = render.table(("A", "B"), [("a\nb\x1b[2J\tc", "1")], PLAIN, flexible=(0,))
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown


def test_colour_closes_itself() -> None:
    assert render.table(("A",), [(Cell(text="x", sgr="31"),)], COLOUR, flexible=(0,)).endswith("\x1b[31mx\x1b[0m")


def test_a_status_is_never_colour_alone() -> None:
    for status in Status:
        assert status.value in render.status_cell(status).text
        assert render.status_cell(status).text.split()[0] in {"○", "●", "✓", "✗", "◆", "?", "⊘"}


def test_tsv_keeps_one_record_in_one_line() -> None:
    assert render.tsv(("a\tb", None, "c\nd", 3)) == "a       b\t\tc ⏎ d\t3"


@pytest.mark.parametrize(("env", "colour"), [({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, False)])
def test_no_colour_without_a_terminal_that_shows_it(env: dict[str, str], colour: bool) -> None:
    assert Screen.current(env).colour is colour


@pytest.mark.parametrize(("ms", "words"), [(4_200, "4.2s"), (59_000, "59s"), (192_000, "3m12s"), (3_900_000, "1h05m")])
def test_spans(ms: int, words: str) -> None:
    assert render.span(ms) == words


@pytest.mark.parametrize(
    ("number", "words"), [(512, "512 B"), (1_200, "1.2 kB"), (3_400_000, "3.4 MB"), (10**10, "10.0 GB")]
)
def test_sizes(number: int, words: str) -> None:
    assert render.size(number) == words
