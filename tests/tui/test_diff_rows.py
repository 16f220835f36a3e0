"""A diff as rows: in one column or two, with files folded away, and which line stands where."""

from __future__ import annotations

import time

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from pithy_local.tui.models.diffrows import NONE, DiffRows, laid_out
from pithy_local.tui.models.diffs import Diff
from pithy_local.tui.widgets.diff import DiffView
from tests.tui.alone import alone
from tests.tui.test_diffs import TWO_FILES, head


def shown(rows: DiffRows) -> list[str]:
    """Each row of one column as text; files' heads as their names."""
    diff = rows.diff

    def row_text(row: int) -> str:
        head = rows.head(row)
        if head is not None:
            return f"= {diff.files[head].path}"
        line, _ = rows.lines(row)
        return (diff.kind(line) if diff.kind(line) != "@" else "") + diff.text(line)

    return [row_text(row) for row in range(len(rows))]


def pairs_of(rows: DiffRows) -> list[tuple[int, int]]:
    """The lines of both sides in every row that is no head."""
    return [rows.lines(row) for row in range(len(rows)) if rows.head(row) is None]


def test_headers_become_one_row_a_file_and_lines_keep_their_signs() -> None:
    assert shown(DiffRows(Diff(TWO_FILES))) == [
        "= src/app.py", "@@ -1,4 +1,5 @@ def main():", " import os", "-import sys", "--- not a header", "+import re",
        "+import json", "+++ not one either", " last", "@@ -40 +41,0 @@", "-gone",
        "= new.txt", "@@ -0,0 +1 @@", "+only", "\\ No newline at end of file",
    ]  # fmt: skip


def test_every_line_has_its_numbers() -> None:
    diff = Diff(TWO_FILES)
    rows = DiffRows(diff)
    numbers = [(diff.old[line], diff.new[line]) for line, _ in pairs_of(rows)]
    assert numbers[:8] == [(0, 0), (1, 1), (2, 0), (3, 0), (0, 2), (0, 3), (0, 4), (4, 5)]
    assert numbers[9] == (40, 0)


def test_side_by_side_a_removed_line_stands_beside_the_one_that_took_its_place() -> None:
    rows = DiffRows(Diff(TWO_FILES))
    rows.set_split(True)
    diff = rows.diff
    sides = [
        tuple("" if line == NONE else diff.kind(line) + diff.text(line) for line in pair)
        for pair in pairs_of(rows)[1:7]
    ]
    assert sides == [
        (" import os", " import os"), ("-import sys", "+import re"), ("--- not a header", "+import json"),
        ("", "+++ not one either"), (" last", " last"), ("@@@ -40 +41,0 @@", "@@@ -40 +41,0 @@"),
    ]  # fmt: skip


def test_a_missing_newline_at_the_end_keeps_both_sides_together() -> None:
    rows = DiffRows(Diff(head("a") + b"@@ -1 +1 @@\n-last\n\\ No newline at end of file\n+last\n"))
    assert rows.diff.partner(rows.line_at(2)) == rows.line_at(4)
    rows.set_split(True)
    kinds = [tuple("" if line == NONE else rows.diff.kind(line) for line in pair) for pair in pairs_of(rows)]
    assert kinds[1:] == [("-", "+"), ("\\", "")]


def test_a_viewed_file_is_folded_and_comes_back() -> None:
    rows = DiffRows(Diff(TWO_FILES))
    assert rows.view(0)
    assert shown(rows)[:2] == ["= src/app.py", "= new.txt"]
    rows.fold(0)
    assert (len(rows), rows.viewed) == (15, {0})
    assert not rows.view(0)
    assert (len(rows), rows.folded) == (15, set())


@pytest.mark.parametrize("split", [False, True])
def test_stops_are_hunks_or_files(split: bool) -> None:
    rows = DiffRows(Diff(TWO_FILES + head("empty") + TWO_FILES))
    rows.set_split(split)
    heads = [row for row in range(len(rows)) if rows.head(row) is not None]
    hunks = [row for row in range(len(rows)) if row not in heads and rows.diff.kind(rows.line_at(row)) == "@"]
    assert walked(rows, 0, 1, files=True) == heads[1:]
    assert walked(rows, len(rows) - 1, -1, files=True) == heads[::-1]
    assert walked(rows, 0, 1, files=False) == sorted([*hunks, heads[2]])
    rows.fold(0)
    assert rows.next_stop(1, -1, files=False) == 0
    assert [rows.row_of_file(index) for index in range(5)] == [
        row for row in range(len(rows)) if rows.head(row) is not None
    ]


def walked(rows: DiffRows, row: int, step: int, *, files: bool) -> list[int]:
    """Every stop from there on."""
    found: list[int] = []
    while (at := rows.next_stop(row, step, files=files)) is not None:
        found.append(at)
        row = at
    return found


def test_a_row_says_where_it_is() -> None:
    rows = DiffRows(Diff(TWO_FILES))
    places = {0: "src/app.py", 1: "src/app.py:1", 5: "src/app.py:2", 3: "src/app.py:2 (removed line)",
              9: "src/app.py:40 (removed line)", 11: "new.txt", 13: "new.txt:1"}  # fmt: skip
    assert {row: rows.place(row) for row in places} == places


@pytest.mark.parametrize("split", [False, True])
def test_a_line_is_found_again_however_it_is_shown(split: bool) -> None:
    rows = DiffRows(Diff(TWO_FILES))
    rows.set_split(split)
    for row in range(len(rows)):
        assert rows.row_of(rows.line_at(row)) == row
    gone = next(line for line in range(len(rows.diff)) if rows.diff.text(line) == "import sys")
    assert gone in rows.lines(rows.row_of(gone))
    rows.view(0)
    assert rows.row_of(gone) == 0


def test_a_huge_diff_is_folded_and_split_at_once() -> None:
    body = b"-old\n+new\n" * 100_000
    rows = laid_out(head("big") + b"@@ -1,100000 +1,100000 @@\n" + body + TWO_FILES)

    def took() -> float:
        start = time.perf_counter()
        rows.set_split(not rows.split)
        rows.fold(1)
        return time.perf_counter() - start

    assert min(took() for _ in range(6)) < 0.01  # the lines' work is done where nobody waits for it
    rows.set_split(True)
    assert rows.row_of(rows.line_at(70_000)) == 70_000


def test_the_hunk_around_a_row_and_the_file_around_its_head() -> None:
    rows = DiffRows(Diff(TWO_FILES))
    assert rows.hunk(10) == b"@@ -40 +41,0 @@\n-gone\n"
    assert rows.hunk(0) + rows.hunk(11) == TWO_FILES


@pytest.mark.parametrize(
    "data", [b"", b"no diff at all\n", b"@@ -1 +1 @@\n-a\n+b\n", b"diff --git a/x b/x\n", b"+", b"\n\n"]
)
def test_anything_can_be_looked_at(data: bytes) -> None:
    rows = DiffRows(Diff(data))
    rows.set_split(True)
    assert all(0 <= rows.file_at(row) < len(rows.diff.files) for row in range(len(rows)))


async def test_matches_are_counted_anew_for_each_search_and_each_diff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pithy_local.tui.widgets.diff_search.MOST_COUNTED", 3)
    view = DiffView()
    async with alone(view) as user:
        view.take("a", DiffRows(Diff(TWO_FILES)))
        view.search("port j")
        await user.until(lambda: view.search_words == "match 1 of 1 /port j", "the count")
        await user.presses("j")
        assert view.search_words == "1 match /port j"
        view.search("nowhere")
        assert view.search_words == "/nowhere"
        view.take("b", DiffRows(Diff(head("a") + b"@@ -0,0 +1,12000 @@\n" + b"+nowhere\n" * 12_000)))
        await user.until(lambda: view.search_words == "9,998+ matches /nowhere", "that there may be more")
        view.search("import")
        view.take("c", DiffRows(Diff(TWO_FILES)))
        await user.until(lambda: view.search_words == "4 matches /import", "the other diff's count")
        view.take("c", None)
        assert view.search_words == ""


class OneDiff(App[None]):
    def compose(self) -> ComposeResult:
        yield DiffView()


async def test_two_columns_stand_straight_whatever_is_in_them() -> None:
    lines = ["漢字" * 30, "\tif x:", "e\u0301" * 9, "\x1b[2J\u202e", "👩‍👩‍👧 ok", "", "long " * 60, "crlf\r"]
    body = "".join(f"-{line}\n" for line in lines) + "".join(f"+{line} now\n" for line in [*lines, "one more"])
    rows = DiffRows(Diff(head("日本.txt") + f"@@ -1,9 +1,10 @@\n{body} the end\n".encode()))
    rows.set_split(True)
    app = OneDiff()
    async with app.run_test():
        view = app.query_one(DiffView)
        view.content = rows
        for width in (41, 80, 121):
            drawn = [text for row in range(2, len(rows)) if (text := view.draw(row, width)) is not None]
            assert {text.cell_len for text in drawn} == {width}
            assert {cell_len(text.plain.partition("│")[0]) for text in drawn} == {(width - 1) // 2}
