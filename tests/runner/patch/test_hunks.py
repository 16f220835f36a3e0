"""Hunks as models write them: miscounted, unmarked, without numbers, with other blanks; never guessed at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.patch.support import after, applied, diff, reasons, refused, tree

ONE, TWO = "def one():\n    a = 1\n\n    return a\n\n\n", "def two():\n    b = 2\n\n    return b\n\n\n"
CODE = f"{ONE}{TWO}def three():\n    c = 3\n    return c\n"
WANTED = CODE.replace("b = 2", "b = 22").encode()
HUNK = " def two():\n-    b = 2\n+    b = 22\n \n     return b\n"


@pytest.mark.parametrize(
    "header",
    [
        "@@ -7,4 +7,4 @@", "@@ -70,9 +1,2 @@ class X", "@@ -1 +1 @@", "@@", "@@ @@", "@@ ... @@",
        "@@ ... @@ def one():", "@@ line 7 @@", "@ -7,4 +7,4 @", "@@ -7,4 +7,4", "@@ 7,4 7,4 @@", "@@ def one():",
    ],
)  # fmt: skip
def test_a_header_may_be_broken_where_the_lines_are_certain(tmp_path: Path, header: str) -> None:
    assert after(tmp_path, CODE, diff(HUNK, header=header)) == WANTED


def test_no_hunk_header_is_needed(tmp_path: Path) -> None:
    assert after(tmp_path, CODE, f"--- a/f.txt\n+++ b/f.txt\n{HUNK}") == WANTED


@pytest.mark.parametrize(
    ("hunk", "level"),
    [
        (HUNK, "EXACT"),
        (HUNK.replace("\n \n", "\n\n"), "EXACT"),
        (HUNK.replace(" def", "def").replace("     return", "    return").replace("\n \n", "\n\n"), "EXACT"),
        (HUNK.replace("two():", "two():  "), "TRAILING"),
        (
            HUNK.replace(" def two", "  def two").replace("b =", " b =").replace("     return", "      return"),
            "WHITESPACE",
        ),
        (
            HUNK.replace("     return b", "     return b\n \n \n def three():").replace("\n \n     ret", "\n     ret"),
            None,
        ),
    ],
)
def test_a_hunk_is_found_at_the_strictest_level(tmp_path: Path, hunk: str, level: str | None) -> None:
    repo = tree(tmp_path, {"f.txt": CODE})
    if level is None:
        assert reasons(refused(repo, diff(hunk))) == ["not_found"]
        return

    report = applied(repo, diff(hunk))

    assert [each.level.name for each in report.hunks] == [level]
    assert report.mended == (level == "WHITESPACE")
    assert (repo / "f.txt").read_bytes() == WANTED


def test_typography_is_forgiven_in_context_and_kept_in_the_file(tmp_path: Path) -> None:
    text = "it\u2019s \u201cone\u201d \u2013 ok\u2026\nb\n"

    assert after(tmp_path, text, diff(' it\'s "one" - ok...\n-b\n+c\n')) == text.replace("b\n", "c\n").encode()


def test_bare_blank_lines_between_added_ones_are_added(tmp_path: Path) -> None:
    assert after(tmp_path, "a\nb\n", diff(" a\n+x\n\n+y\n b\n")) == b"a\nx\n\ny\nb\n"


def test_a_bare_blank_line_that_could_be_either_is_refused(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": "a\n\nb\n"})

    assert reasons(refused(repo, diff(" a\n+x\n\n+y\n"))) == ["ambiguous"]


@pytest.mark.parametrize(
    ("hunk", "wanted"),
    [
        (" def one():\n     a = 1\n     return a\n \n \n-def two():\n+def zwei():\n     b = 2\n", "def zwei"),
        (
            " def one():\n     a = 1\n     # ...\n def three():\n     c = 3\n-    return c\n+    return cc\n",
            "return cc",
        ),
    ],
)
def test_context_left_out_between_context_lines_is_bridged(tmp_path: Path, hunk: str, wanted: str) -> None:
    repo = tree(tmp_path, {"f.txt": CODE})

    assert applied(repo, diff(hunk)).mended == 1
    assert wanted in (repo / "f.txt").read_text()


@pytest.mark.parametrize(
    ("hunk", "reason"),
    [
        (" def two():\n-    b = 3\n+    b = 22\n", "deleted_not_found"),
        (" def zwei():\n-    b = 2\n+    b = 22\n", "not_found"),
        ("-def two():\n-\n+x\n", "deleted_not_found"),
        (" def one():\n     a = 1\n+    # here\n     return a\n \n \n def two():\n", "not_found"),
        ("-    return a\n-    ...\n-    return b\n+    pass\n", "deleted_not_found"),
        (" def two():\n-    b = 2\n+    # ... existing code ...\n", "placeholder"),
        (" def two():\n     b = 2\n", "no_change"),
        (" def two():\n-    b = 2\n+    b = 2\n", "no_change"),
        ("+    x = 1\n", "no_location"),
        (" def two():\n-    b = 22\n+    b = 2\n", "already_applied"),
        (" def two():\n+    b = 2\n", "already_applied"),
        ("     return a\n-\n+#\n \n", "ambiguous"),
    ],
)
def test_what_is_not_certain_is_refused(tmp_path: Path, hunk: str, reason: str) -> None:
    text = CODE if reason != "ambiguous" else "    return a\n\n\nx\n    return a\n\n\n"

    assert reasons(refused(tree(tmp_path, {"f.txt": text}), diff(hunk))) == [reason]


REPEATED = "".join(f"def f{n}():\n    total = 0\n    return total\n\n\n" for n in range(30))
SMALL = "     total = 0\n-    return total\n+    return -total\n"


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("@@ -52,2 +52,2 @@", 53),
        ("@@ ... @@ def f10():", 53),
        ("@@ def f10():", 53),
        ("@@ -52,2 +52,2 @@ def f10():", 53),
    ],
)
def test_one_of_many_places_is_taken_only_for_a_reason(tmp_path: Path, header: str, line: int) -> None:
    lines = after(tmp_path, REPEATED, diff(SMALL, header=header)).decode().split("\n")

    assert [at for at, text in enumerate(lines, 1) if "-total" in text] == [line]


@pytest.mark.parametrize(
    "header",
    ["@@ ... @@", "@@ -53,2 +53,2 @@", "@@ -54,2 +54,2 @@", "@@ ... @@ def f99():"],
)
def test_the_nearest_place_is_no_reason(tmp_path: Path, header: str) -> None:
    refusal = refused(tree(tmp_path, {"f.txt": REPEATED}), diff(SMALL, header=header))

    assert reasons(refusal) == ["ambiguous"]
    assert refusal.problems[0].candidates[:3] == (2, 7, 12)


def test_a_line_off_by_three_is_taken_if_all_others_are_far(tmp_path: Path) -> None:
    text = "x\n" * 10 + "    total = 0\n    return total\n" + "y\n" * 60 + "    total = 0\n    return total\n"

    assert (
        after(tmp_path, text, diff(SMALL, header="@@ -13,2 +13,2 @@")).decode().split("\n")[11] == "    return -total"
    )


def test_the_order_of_hunks_decides_where_it_leaves_one_way(tmp_path: Path) -> None:
    text = "a\nx\nb\nx\nc\n"
    answer = diff("-x\n+X\n@@ ... @@\n b\n-x\n+Y\n")

    assert after(tmp_path, text, answer) == b"a\nX\nb\nY\nc\n"


@pytest.mark.parametrize(
    ("second", "wanted"),
    [
        ("@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", b"a\nB\nc\n"),
        ("@@ -1,3 +1,3 @@\n a\n-b\n+Z\n c\n", None),
        ("@@ ... @@\n-b\n+B\n", None),
    ],
)
def test_a_hunk_sent_twice_counts_once_and_another_one_there_is_refused(
    tmp_path: Path, second: str, wanted: bytes | None
) -> None:
    repo = tree(tmp_path, {"f.txt": "a\nb\nc\n"})
    answer = diff(" a\n-b\n+B\n c\n", header="@@ -1,3 +1,3 @@") + second
    if wanted is None:
        assert reasons(refused(repo, answer))[0] in ("conflicting_drafts", "overlap")
    else:
        applied(repo, answer)
        assert (repo / "f.txt").read_bytes() == wanted


def test_hunks_may_share_context_and_come_in_any_order(tmp_path: Path) -> None:
    shared = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -3,3 +3,3 @@\n c\n-d\n+D\n e\n"
    text = "a\nb\nc\nd\ne\n"

    assert after(tmp_path, text, f"--- a/f.txt\n+++ b/f.txt\n{shared}") == b"a\nB\nc\nD\ne\n"


def test_hunks_in_any_order_find_their_places(tmp_path: Path) -> None:
    answer = diff(" d\n-e\n+E\n@@ -1,2 +1,2 @@\n-a\n+A\n b\n", header="@@ -4,2 +4,2 @@")

    assert after(tmp_path, "a\nb\nc\nd\ne\n", answer) == b"A\nb\nc\nd\nE\n"


def test_a_list_after_the_hunk_is_no_part_of_it_unless_it_is_code(tmp_path: Path) -> None:
    answer = diff(HUNK + "\n- Changed two.\n- Kept one.\n", header="@@ -7,9 +7,9 @@")

    assert after(tmp_path, CODE, answer) == WANTED


def test_deleted_lines_are_not_taken_for_a_list(tmp_path: Path) -> None:
    text = "a\n\n Item one\nb\n"

    assert after(tmp_path, text, diff(" a\n\n- Item one\n+ Item two\n b\n")) == b"a\n\n Item two\nb\n"
