"""What is written: the file's own line ends, indentation, byte order mark and end, the answer's lines."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.patch import apply_answer
from tests.runner.patch.support import after, diff, reasons, refused, tree
from tests.support import git

GO = "package a\n\nfunc f() {\n\tif x {\n\t\trun()\n\t}\n}\n"


def test_added_lines_get_the_files_line_ends(tmp_path: Path) -> None:
    assert after(tmp_path, b"a\r\nb\r\nc\r\n", diff(" a\n-b\n+B\n+\n c\n")) == b"a\r\nB\r\n\r\nc\r\n"


def test_a_file_of_both_line_ends_keeps_each(tmp_path: Path) -> None:
    assert after(tmp_path, b"a\nb\r\nc\n", diff(" a\n-b\r\n+B\r\n c\n")) == b"a\nB\r\nc\n"


def test_a_diff_may_change_line_ends(tmp_path: Path) -> None:
    assert after(tmp_path, b"a\nb\n", diff(" a\n-b\n+b\r\n")) == b"a\nb\r\n"


@pytest.mark.parametrize(
    ("before", "hunk", "wanted"),
    [
        ("a\nb", " a\n-b\n+c\n", "a\nc"),
        ("a\nb", " a\n-b\n\\ No newline at end of file\n+c\n", "a\nc\n"),
        ("a\nb\n", " a\n-b\n+c\n\\ No newline at end of file\n", "a\nc"),
        ("a\nb\nc\n", "-a\n+A\n b\n\\ No newline at end of file\n", "A\nb\nc\n"),
        ("a\nb", "-a\n+A\n b\n", "A\nb"),
        ("a\nb", " a\n-b\n", "a\n"),
        ("a\nb\n", " a\n b\n+c\n", "a\nb\nc\n"),
    ],
)
def test_the_files_end_changes_only_with_its_last_line(tmp_path: Path, before: str, hunk: str, wanted: str) -> None:
    assert after(tmp_path, before, diff(hunk)) == wanted.encode()


def test_tabs_that_became_blanks_are_tabs_again(tmp_path: Path) -> None:
    hunk = " func f() {\n     if x {\n-        run()\n+        walk()\n+        run()\n     }\n"

    assert after(tmp_path, GO, diff(hunk)) == GO.replace("\t\trun()", "\t\twalk()\n\t\trun()").encode()


def test_a_habit_seen_in_one_hunk_counts_for_one_that_shows_none(tmp_path: Path) -> None:
    shown = " func f() {\n     if x {\n-        run()\n+        walk()\n"
    answer = diff(f"{shown}@@ ... @@\n }}\n+\n+func g() {{\n+    h()\n+}}\n")

    assert b"\nfunc g() {\n\th()\n}\n" in after(tmp_path, GO, answer)


def test_blanks_added_to_a_file_of_tabs_are_refused_where_nothing_explains_them(tmp_path: Path) -> None:
    answer = diff(" package a\n+\n+func g() {\n+    h()\n+}\n \n")

    assert reasons(refused(tree(tmp_path, {"f.txt": GO}), answer)) == ["indentation"]


def test_a_hunk_without_its_common_indentation_gets_it_back(tmp_path: Path) -> None:
    text = "class A:\n    def f(self):\n        return 1\n\n    x = 1\n"

    assert (
        after(tmp_path, text, diff(" def f(self):\n-    return 1\n+    y = 1\n+    return y\n"))
        == text.replace("        return 1", "        y = 1\n        return y").encode()
    )


def test_indentation_that_no_constant_rule_explains_is_refused(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": "if a:\n    b\n    c\nd\n"})

    assert reasons(refused(repo, diff("   if a:\n-b\n+B\n       c\n"))) == ["indentation"]


def test_the_byte_order_mark_stays_in_front(tmp_path: Path) -> None:
    assert after(tmp_path, "\ufeffa\nb\n", diff("-a\n+A\n b\n")) == "\ufeffA\nb\n".encode()
    assert after(tmp_path / "second", "\ufeffa\nb\n", diff("+x\n a\n b\n")) == "\ufeffx\na\nb\n".encode()


def test_bytes_that_are_no_utf8_survive(tmp_path: Path) -> None:
    assert after(tmp_path, b"caf\xe9\na\nb\n", diff(" a\n-b\n+c\n")) == b"caf\xe9\na\nc\n"


def test_letters_of_another_encoding_are_not_mixed_in(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": b"caf\xe9\na\nb\n"})

    assert reasons(refused(repo, diff(" a\n-b\n+\u00fc\n"))) == ["not_text"]


def test_a_whole_file_of_another_encoding_is_not_sent_as_it_is_shown(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": "caf\u00e9\nb\nc\nd\n".encode("latin-1")})

    assert reasons(refused(repo, "f.txt\n```\ncaf\ufffd\nb\nc\nD\n```\n")) == ["not_text"]


@pytest.mark.parametrize("old", [" a\n-b\n", ""])
def test_an_answer_with_a_nul_makes_no_text(tmp_path: Path, old: str) -> None:
    path = "f.txt" if old else "new.txt"

    assert reasons(refused(tree(tmp_path, {"f.txt": "a\nb\n"}), diff(f"{old}+c\0\n", path=path))) == ["binary"]


def test_an_added_line_that_is_not_indented_enough_is_unclear(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.py": "class A:\n    def f(self):\n        a()\n        b()\n"})
    answer = diff("             a()\n-            b()\n+            c()\n+  def g():\n+      pass\n", path="f.py")

    assert reasons(refused(repo, answer)) == ["indentation"]


def test_a_binary_file_is_not_text(tmp_path: Path) -> None:
    assert reasons(refused(tree(tmp_path, {"f.txt": b"a\0\nb\n"}), diff("-b\n+c\n"))) == ["not_text"]


def test_modes_come_from_mode_lines_alone(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": "a\n", "g.txt": "a\n"})
    chmod = "diff --git a/g.txt b/g.txt\nold mode 100644\nnew mode 100755\n"

    apply_answer(
        repo, f"diff --git a/f.txt b/f.txt\nindex 1..2 100755\n--- a/f.txt\n+++ b/f.txt\n@@ -1 +1 @@\n-a\n+b\n{chmod}"
    )

    assert [bool((repo / name).stat().st_mode & 0o100) for name in ("f.txt", "g.txt")] == [False, True]


@pytest.mark.parametrize("attributes", ["* text=auto eol=crlf", "* ident", "* text working-tree-encoding=UTF-16LE"])
def test_the_trees_attributes_change_nothing_that_is_written(tmp_path: Path, attributes: str) -> None:
    repo = tree(tmp_path, {"f.txt": "$Id: 1$\na\nb\n", ".gitattributes": f"{attributes}\n"})

    apply_answer(repo, diff(" a\n-b\n+c\n") + "--- /dev/null\n+++ b/deep/new.txt\n@@ -0,0 +1 @@\n+x\n")

    assert (repo / "f.txt").read_bytes() == b"$Id: 1$\na\nc\n"
    assert (repo / "deep/new.txt").read_bytes() == b"x\n"


def test_a_configured_filter_is_not_run(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": "a\nb\n", ".gitattributes": "*.txt filter=evil\n"})
    git("config", "filter.evil.smudge", f"touch {tmp_path}/ran; cat", cwd=repo)
    git("config", "filter.evil.clean", f"touch {tmp_path}/ran; cat", cwd=repo)

    apply_answer(repo, diff(" a\n-b\n+c\n"))

    assert (repo / "f.txt").read_bytes() == b"a\nc\n"
    assert not (tmp_path / "ran").exists()


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """As on a disk that is nearly full: what is larger cannot be written."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_what_cannot_all_be_written_is_rolled_back(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": "a\nb\n", "g.txt": "a\n"})
    large = "".join(f"+{number}\n" for number in range(20_000))
    answer = diff(" a\n-b\n+c\n") + f"--- /dev/null\n+++ b/deep/new.txt\n@@ -0,0 +1,20000 @@\n{large}"

    with no_file_larger_than(50_000):
        refusal = refused(repo, answer)

    assert reasons(refusal) == ["write_failed"]
    assert not (repo / "deep").exists()
    assert git("status", "--porcelain", cwd=repo) == ""
