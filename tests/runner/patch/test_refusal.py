"""A refusal says where, what differs, what is really there, and what else fits."""

from __future__ import annotations

from pathlib import Path

from tests.runner.patch.support import applied, diff, refused, tree

TEXT = "".join(f"line {number}\n" for number in range(1, 41))


def test_the_first_differing_line_and_the_real_ones_are_shown(tmp_path: Path) -> None:
    hunks = " line 9\n-line ten\n+x\n line 11\n@@ -20,2 +20,2 @@\n line 20\n-line 21\n+y\n"

    refusal = refused(tree(tmp_path, {"f.txt": TEXT}), diff(hunks, header="@@ -9,3 +9,3 @@ heading"))

    assert refusal.message.split("\n") == [
        "f.txt: hunk 1 of 2: a line to delete is not in the file [deleted_not_found]",
        "  its header: @@ -9,3 +9,3 @@ heading",
        "  first line that differs, yours: '-line ten'",
        "                    in the file: 'line 10'",
        "  the file really has:",
        *(f"  {number:>2} | line {number}" for number in range(6, 15)),
        "The other 1 hunk matched; nothing was applied.",
    ]
    assert (refusal.code, refusal.paths, refusal.matched) == ("patch_rejected", ("f.txt",), 1)


def test_all_places_are_named_where_there_are_several(tmp_path: Path) -> None:
    refusal = refused(tree(tmp_path, {"f.txt": "a\nb\n" * 3}), diff("-b\n+c\n"))

    assert "it fits at lines 2, 4, 6" in refusal.message


def test_every_file_with_a_problem_is_told_and_the_report_is_bounded(tmp_path: Path) -> None:
    names = [f"f{number}.txt" for number in range(20)]
    repo = tree(tmp_path, dict.fromkeys(names, "long " * 500 + "\nb\n"))

    refusal = refused(repo, "".join(diff("-x\n+y\n", path=name) for name in names))

    assert len(refusal.problems) == 20
    assert len(refusal.message) <= 6000
    assert "14 more problems" in refusal.message
    assert refusal.paths == tuple(names)


def test_hunks_beyond_typography_are_counted_for_the_reviewer(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": "def f():\n    a\n    b\n\ndef g():\n    c\n"})

    report = applied(repo, diff("-a\n+A\n b\n@@ ... @@\n def g():\n-    c\n+    C\n"))

    assert [(each.hunk, each.line, each.level.name) for each in report.hunks] == [(1, 2, "WHITESPACE"), (2, 5, "EXACT")]
    assert report.mended == 1


def test_a_report_has_no_control_characters_of_the_model(tmp_path: Path) -> None:
    refusal = refused(
        tree(tmp_path, {"f.txt": TEXT}), diff("-x\n+y\n", path="a\x1b[31m\x07.txt", header="@@ -1 +1 @@ \x1b[0m")
    )

    assert all(char.isprintable() or char == "\n" for char in refusal.message)
