"""A diff as rows: files, hunks, numbers, columns, and what lies between changed lines."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from pithy_local.service import Needle
from pithy_local.tui.look import LINE_SHOWN, short_path
from pithy_local.tui.models.diffrows import NONE, DiffRows, laid_out
from pithy_local.tui.models.diffs import Diff
from pithy_local.tui.models.moves import note_moves
from pithy_local.tui.models.words import changed
from pithy_local.tui.widgets.diff import DiffView

TWO_FILES = b"""diff --git a/src/app.py b/src/app.py
index 1111111..2222222 100644
--- a/src/app.py
+++ b/src/app.py
@@ -1,4 +1,5 @@ def main():
 import os
-import sys
--- not a header
+import re
+import json
+++ not one either
 last
@@ -40 +41,0 @@
-gone
diff --git a/new.txt b/new.txt
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/new.txt
@@ -0,0 +1 @@
+only
\\ No newline at end of file
"""


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


def test_files_know_what_changed_in_them() -> None:
    app, new = Diff(TWO_FILES).files
    assert (app.added, app.removed, len(app.hunks)) == (3, 3, 2)
    assert (new.added, new.removed, new.change, new.about) == (1, 0, "A", "new")


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


@pytest.mark.parametrize(
    ("text", "needle", "found"),
    [
        ("+x\n-Über uns\n", "über", [2]),
        ("+Xy\n xY\n", "Xy", [1]),
        ("+a+b\n-a-b\n", "+", [0, 1]),
        ("+abc\n+ABC\n", "abc", [1, 2]),
        ("+[/foo] (x)\n", "[/foo] (", [1]),
    ],
)
def test_what_is_searched_for_is_found_in_lines_and_not_in_their_signs(
    text: str, needle: str, found: list[int]
) -> None:  # fmt: skip
    lines = text.count("\n")
    diff = Diff(head("file") + f"@@ -1,{lines} +1,{lines} @@\n{text}".encode())
    first = diff.files[0].hunks[0]
    assert every(diff, needle) == [first + line for line in found]
    assert every(diff, needle, backwards=True) == [first + line for line in reversed(found)]


def test_a_path_is_found_in_its_files_head_and_a_binary_file_by_nothing_else(tmp_path: Path) -> None:
    def change() -> None:
        (tmp_path / "über.bin").write_bytes(bytes(range(256)) * 99)

    diff = Diff(git_diff(tmp_path, change))
    assert every(diff, "ÜBER") == []
    assert every(diff, "über") == [0]
    assert every(diff, "z") == []


def every(diff: Diff, text: str, *, backwards: bool = False) -> list[int]:
    """Every line that has it, as one goes on searching."""
    found: list[int] = []
    low, high = 0, len(diff)
    while (line := diff.find(Needle(text=text), low, high, backwards=backwards)) is not None:
        found.append(line)
        low, high = (low, line) if backwards else (line + 1, high)
    return found


def test_searching_back_goes_over_long_files() -> None:
    body = b"".join(b"+line %d\n" % number for number in range(25_000))
    diff = Diff(head("long") + b"@@ -0,0 +1,25000 @@\n" + body)
    first = diff.files[0].hunks[0] + 1
    assert diff.find(Needle(text="line 7"), 0, len(diff), backwards=True) == first + 7_999
    assert diff.find(Needle(text="line 3"), 0, first + 4, backwards=True) == first + 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("abc", "abc", []),
        ("retries=3)", "retries=5, timeout=30)", ["5, timeout=30"]),
        ("if x {", "if x && y {", ["&& y "]),
        ("return value", "return values", ["values"]),
        ("import sys", "nothing in common", []),
        ("", "x", []),
        ("a " * 500 + "b", "a " * 500 + "c", ["c"]),
        ("x.a + x.b", "y.a + y.b", ["y", "y"]),
    ],
)
def test_words_that_the_other_line_has_not(old: str, new: str, words: list[str]) -> None:
    assert [new[start:end] for start, end in changed(new, old)] == words


@pytest.mark.parametrize(
    ("path", "width", "shown"),
    [
        ("src/app.py", 10, "src/app.py"),
        ("a/long/way/to/main.py", 12, "…/to/main.py"),
        ("a/long/way/to/main.py", 9, "…/main.py"),
        ("a/module_that_does_things.py", 20, "module_that…hings.py"),
        ("日本語/日本語.py", 13, "…/日本語.py"),
        ("abcdef", 4, "abc…"),
        ("abcdef", 0, ""),
    ],
)
def test_a_path_in_few_columns_keeps_its_name(path: str, width: int, shown: str) -> None:
    assert short_path(path, width) == shown
    assert cell_len(short_path(path, width)) <= width


def test_a_line_that_is_cut_says_so() -> None:
    diff = Diff(head("min.js") + b"@@ -0,0 +1 @@\n+" + b"x" * 2 * LINE_SHOWN + b"\n")
    line = diff.files[0].hunks[0] + 1
    assert diff.text(line) == "x" * (LINE_SHOWN - 1) + "…"
    assert len(diff.whole(line)) == 2 * LINE_SHOWN


def test_the_view_is_at_least_as_wide_as_lines_with_tabs() -> None:
    diff = Diff(head("Makefile") + b"@@ -0,0 +1,2 @@\n+" + b"x" * 30 + b"\n+\t\t\t\tend\n")
    assert diff.widest >= len("+end") + 4 * 8


def head(path: str) -> bytes:
    """How a file begins whose mode alone may have changed."""
    return b"diff --git a/%b b/%b\n" % (path.encode(), path.encode())


def git_diff(folder: Path, change: Callable[[], None]) -> bytes:
    """What git says of a change in a fresh repository."""

    def git(*arguments: str) -> bytes:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        return subprocess.run(["git", *arguments], cwd=folder, env=env, check=True, capture_output=True).stdout

    git("init", "-q")
    git("add", "-A")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a", "--allow-empty")
    change()
    git("add", "-A")
    return git("diff", "--cached", "--no-renames", "--binary")


def test_gits_own_diffs_are_counted_as_git_counts_them(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("".join(f"line {n}\n" for n in range(60)))
    (tmp_path / "dropped.txt").write_text("-- x\n++ y\n")

    def change() -> None:
        lines = [f"line {n}\n" for n in range(60)]
        lines[3:5], lines[50] = ["-- three\n", "++ four\n", "five\n"], ""
        (tmp_path / "a b.txt").write_text("".join(lines))
        (tmp_path / "dropped.txt").unlink()
        (tmp_path / "über\t[x].bin").write_bytes(bytes(range(256)) * 9)

    diff = Diff(git_diff(tmp_path, change))
    found = {file.path: (file.added, file.removed, file.binary) for file in diff.files}
    assert found == {"a b.txt": (3, 3, False), "dropped.txt": (0, 2, False), "über\t[x].bin": (0, 0, True)}


def test_what_became_of_each_file_is_told(tmp_path: Path) -> None:
    content = "".join(f"line {n}\n" for n in range(40))
    for name, text in {"gone.txt": "x\n", "run.sh": "echo\n", "old.py": content, "same.py": f"same {content}"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "link").symlink_to("run.sh")

    def change() -> None:
        (tmp_path / "gone.txt").unlink()
        (tmp_path / "run.sh").chmod(0o755)
        (tmp_path / "old.py").unlink()
        (tmp_path / "new.py").write_text(content.replace("line 7\n", "line seven\n"))
        (tmp_path / "same.py").rename(tmp_path / "there.py")
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("new.py")
        (tmp_path / "empty").touch()
        (tmp_path / "tool").write_text("#!/bin/sh\n")
        (tmp_path / "tool").chmod(0o755)
        (tmp_path / "data.bin").write_bytes(bytes(range(256)))

    diff = Diff(git_diff(tmp_path, change))
    note_moves(diff)
    assert {file.path: (file.change, file.about, file.size) for file in diff.files} == {
        "data.bin": ("A", "new, binary", "binary"), "empty": ("A", "new, empty", "empty"),
        "gone.txt": ("D", "deleted", "+0 −1"), "link": ("M", "symlink", "+1 −1"),
        "new.py": ("R", "moved from old.py, 97% the same", "+40 −0"), "old.py": ("R", "moved to new.py", "+0 −40"),
        "run.sh": ("M", "executable now", "mode"), "same.py": ("R", "moved to there.py", "+0 −40"),
        "there.py": ("R", "moved from same.py, unchanged", "+40 −0"), "tool": ("A", "new, executable", "+1 −0"),
    }  # fmt: skip


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
