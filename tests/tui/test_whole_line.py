"""A log line with all its characters: how it is laid out, where a match is, and how far one can scroll."""

from __future__ import annotations

import json

import pytest

from pithy_local.models import Stream
from pithy_local.service import Needle
from pithy_local.tui import look
from pithy_local.tui.models import wrapping
from pithy_local.tui.models.wholeline import WholeLine
from pithy_local.tui.screens.viewer import LineScreen
from pithy_local.tui.widgets.whole_line import WholeLineView
from tests.tui.driving import dashboard
from tests.tui.records import a_line
from tests.tui.seeding import Seed


def laid_out(text: str, width: int, needle: str = "", stream: Stream = Stream.OUT) -> WholeLine:
    whole = WholeLine(a_line(text=text, stream=stream), Needle(text=needle) if needle else None)
    whole.fit(width)
    return whole


def first_row(whole: WholeLine) -> int:
    """The one below when and who, and an empty one."""
    return [whole.row(row).plain for row in range(len(whole))].index("") + 1


def rows(whole: WholeLine) -> list[str]:
    """The text."""
    return [whole.row(row).plain for row in range(first_row(whole), len(whole))]


def marked(whole: WholeLine) -> list[tuple[int, str]]:
    """Each marked place: its row, and what is marked."""
    found = [(row, whole.row(row)) for row in range(len(whole))]
    return [
        (row - first_row(whole), text.plain[span.start : span.end])
        for row, text in found for span in text.spans if span.style == look.MATCH
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "width", "pieces"),
    [
        ("", 9, [""]),
        ("abc", 3, ["abc"]),
        ("one two three", 7, ["one two", "three"]),
        ("one two  three", 8, ["one two ", "three"]),
        ("abcdefgh ij", 4, ["abcd", "efgh", "ij"]),
        ("日本語 ab", 5, ["日本", "語 ab"]),
        ("日本", 1, ["日", "本"]),
        ("e\u0301" * 9, 3, ["e\u0301" * 3] * 3),
        ("\u0301" * 9, 2, ["\u0301" * 4, "\u0301" * 4, "\u0301"]),
        ("    " + "x" * 20, 18, ["    " + "x" * 14, "x" * 6]),
    ],
)
def test_text_is_broken_between_words(text: str, width: int, pieces: list[str]) -> None:
    assert [text[start:end] for start, end in wrapping.between_words(text, width)] == pieces


def test_a_line_says_who_wrote_it_and_does_nothing() -> None:
    whole = laid_out("\x1b[2J[/foo]\x1b]52;c;aGk=\x07 x\r\x1b[1mlast", 80, stream=Stream.ERR)
    assert "attempt 1 · standard error" in whole.row(0).plain
    assert rows(whole) == ["last"]


def test_json_is_laid_out_and_long_values_keep_its_indentation() -> None:
    whole = laid_out(json.dumps({"a": [1, "word " * 8]}), 24)
    assert rows(whole) == [
        "{", '  "a": [', "    1,", '    "word word word word', "    word word word word ", '    "', "  ]", "}"
    ]  # fmt: skip
    assert rows(laid_out("{not json", 24)) == ["{not json"]
    assert len(laid_out("[" * 60_000, 60)) == 1_002


@pytest.mark.parametrize(
    ("text", "width", "needle", "found", "first"),
    [
        ("a needle", 20, "needle", [(0, "needle")], 0),
        ("nothing", 20, "needle", [], None),
        ("xxxx Needle", 8, "needle", [(1, "Needle")], 1),
        ("abcdefghij", 4, "cdefghi", [(0, "cd"), (1, "efgh"), (2, "i")], 0),
        ("abcdabcd", 4, "abcd", [(0, "abcd"), (1, "abcd")], 0),
        ("two words", 5, "two words", [(0, "two "), (1, "words")], 0),
        ('{"key": 1}', 40, '"key"', [(1, '"key"')], 1),
        ("standard output", 40, "standard", [(0, "standard")], 0),
    ],
)
def test_matches_are_marked_also_where_they_go_on_below(
    text: str, width: int, needle: str, found: list[tuple[int, str]], first: int | None
) -> None:
    whole = laid_out(text, width, needle)
    assert marked(whole) == found
    assert whole.first_match() == (None if first is None else first_row(whole) + first)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_line_of_200_kb_is_laid_out_once_and_can_be_read_to_its_end(seed: Seed, size: tuple[int, int]) -> None:
    seed.log(seed.running(), "the beginning " + "日本語 words " * 12_500 + "needle " + "more " * 200 + "THE END")
    async with dashboard(seed, size=size) as user:
        await user.sees("the beginning")
        await user.presses("tab", *(["z"] if size[0] < 100 else []))
        user.log.search("needle")
        await user.sees("match 1 of 1")
        await user.presses("enter")
        await user.until(lambda: isinstance(user.app.screen, LineScreen), "the line")
        await user.sees("日本語 words needle more")
        view = user.app.screen.query_one(WholeLineView)
        assert view._line._laid_out.cache_info().misses == 1
        await user.presses("G")
        await user.sees("THE END")
        end = view.scroll_offset.y
        await user.presses("pageup", "k", "j", "pagedown")
        assert view.scroll_offset.y == end == view.rows - view.view_height
        await user.presses("g")
        await user.sees("standard output", "the beginning 日本語")
        await user.presses("enter")
        await user.until(lambda: user.log.has_focus, "the log")
