"""A diff as rows: files, hunks, numbers, columns, and what lies between changed lines."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pithy_local.tui.models.diffrows import NONE, DiffRows
from pithy_local.tui.models.diffs import Diff

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
    return [
        f"= {diff.files[-2 - value].path}" if value <= -2 else
        (diff.kind(value) if diff.kind(value) != "@" else "") + diff.text(value) for value in rows.left
    ]  # fmt: skip


def test_headers_become_one_row_a_file_and_lines_keep_their_signs() -> None:
    assert shown(DiffRows(Diff(TWO_FILES))) == [
        "= src/app.py", "@@ -1,4 +1,5 @@ def main():", " import os", "-import sys", "--- not a header", "+import re",
        "+import json", "+++ not one either", " last", "@@ -40 +41,0 @@", "-gone",
        "= new.txt", "@@ -0,0 +1 @@", "+only", "\\ No newline at end of file",
    ]  # fmt: skip


def test_files_know_what_changed_in_them() -> None:
    app, new = Diff(TWO_FILES).files
    assert (app.added, app.removed, len(app.hunks)) == (3, 3, 2)
    assert (new.added, new.removed, new.notes) == (1, 0, ["new file mode 100644"])


def test_every_line_has_its_numbers() -> None:
    diff = Diff(TWO_FILES)
    rows = DiffRows(diff)
    numbers = [(diff.old[line], diff.new[line]) for line in rows.left if line >= 0]
    assert numbers[:8] == [(0, 0), (1, 1), (2, 0), (3, 0), (0, 2), (0, 3), (0, 4), (4, 5)]
    assert numbers[9] == (40, 0)


def test_side_by_side_a_removed_line_stands_beside_the_one_that_took_its_place() -> None:
    rows = DiffRows(Diff(TWO_FILES))
    rows.set_split(True)
    diff = rows.diff
    sides = [
        tuple("" if line == NONE else diff.kind(line) + diff.text(line) for line in pair)
        for pair in list(zip(rows.left, rows.right, strict=True))[2:8]
    ]
    assert sides == [
        (" import os", " import os"), ("-import sys", "+import re"), ("--- not a header", "+import json"),
        ("", "+++ not one either"), (" last", " last"), ("@@@ -40 +41,0 @@", "@@@ -40 +41,0 @@"),
    ]  # fmt: skip


def test_a_viewed_file_is_folded_and_comes_back() -> None:
    rows = DiffRows(Diff(TWO_FILES))
    rows.toggle_viewed(0)
    assert shown(rows)[:2] == ["= src/app.py", "= new.txt"]
    rows.toggle_viewed(0)
    assert len(rows) == 15


def test_stops_are_hunks_or_files() -> None:
    rows = DiffRows(Diff(TWO_FILES))
    assert rows.next_stop(0, 1, files=False) == 1
    assert rows.next_stop(1, 1, files=False) == 9
    assert rows.next_stop(9, 1, files=False) == 12
    assert rows.next_stop(12, 1, files=False) is None
    assert rows.next_stop(3, 1, files=True) == 11
    assert rows.next_stop(14, -1, files=True) == 11
    rows.toggle_viewed(0)
    assert rows.next_stop(1, -1, files=False) == 0


def test_a_row_says_where_it_is() -> None:
    rows = DiffRows(Diff(TWO_FILES))
    assert rows.place(5) == "src/app.py:2"
    assert rows.place(3) == "src/app.py:2"
    assert rows.place(11) == "new.txt"


@pytest.mark.parametrize(
    "data", [b"", b"no diff at all\n", b"@@ -1 +1 @@\n-a\n+b\n", b"diff --git a/x b/x\n", b"+", b"\n\n"]
)
def test_anything_can_be_looked_at(data: bytes) -> None:
    rows = DiffRows(Diff(data))
    rows.set_split(True)
    assert all(0 <= rows.file_at(row) < len(rows.diff.files) for row in range(len(rows)))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [("abc", "abc", (3, 0)), ("abc", "abXc", (2, 1)), ("", "x", (0, 0)), ("aa", "aaa", (2, 0)), ("xa", "ya", (0, 1))],
)
def test_what_two_lines_have_in_common(old: str, new: str, found: tuple[int, int]) -> None:
    assert common(old, new) == found


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
