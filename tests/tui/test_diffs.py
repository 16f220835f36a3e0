"""A diff as it is parsed: its files, what became of them, its lines, and where a text stands in them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from pithy_local.service import Needle
from pithy_local.tui.look import LINE_SHOWN, short_path
from pithy_local.tui.models.diffs import Diff
from pithy_local.tui.models.moves import note_moves
from pithy_local.tui.models.words import changed

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


def test_files_know_what_changed_in_them() -> None:
    app, new = Diff(TWO_FILES).files
    assert (app.added, app.removed, len(app.hunks)) == (3, 3, 2)
    assert (new.added, new.removed, new.change, new.about) == (1, 0, "A", "new")


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
    assert [line for block in diff.matches(Needle(text=needle)) for line in block] == [first + line for line in found]
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
    assert [len(block) for block in diff.matches(Needle(text="line 1"))] == [1_111, 9_998, 2]
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
