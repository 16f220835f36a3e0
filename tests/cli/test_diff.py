"""What `diff --stat` counts."""

from __future__ import annotations

from pathlib import Path

from pithy_local.cli.diff import FileStat, file_stats
from tests.support import git, make_repo

CANONICAL = ("diff", "--cached", "--binary", "--full-index", "--no-renames", "HEAD")


def stats(repo: Path) -> list[FileStat]:
    git("add", "-A", cwd=repo)
    return list(file_stats((git(*CANONICAL, cwd=repo) + "\n").encode("utf-8", "surrogateescape")))


def test_added_and_removed_lines_are_counted_for_each_file(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"a.txt": "1\n2\n3\n", "gone.txt": "x\n"})
    (repo / "a.txt").write_text("1\n3\n4\n5")
    (repo / "gone.txt").unlink()
    (repo / "new file.txt").write_text("y\n")
    assert stats(repo) == [
        FileStat(path="a.txt", added=2, removed=1),
        FileStat(path="gone.txt", added=0, removed=1),
        FileStat(path="new file.txt", added=1, removed=0),
    ]


def test_lines_that_look_like_headers_are_lines(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"a.sql": "-- a/x\n-- b\n"})
    (repo / "a.sql").write_text("++ b/x\ndiff --git a/x b/x\n@@ -1 +1 @@\n")
    assert stats(repo) == [FileStat(path="a.sql", added=3, removed=2)]


def test_a_binary_file_has_no_lines(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"a.bin": b"\0\1\2"})
    (repo / "a.bin").write_bytes(bytes(range(256)) * 4)
    assert stats(repo) == [FileStat(path="a.bin", added=None, removed=None)]


def test_odd_names_are_named(tmp_path: Path) -> None:
    names = ["b/b/x.txt", "a b/c d.txt", "größe.txt", 'quo"te.txt', "tab\there.txt"]
    repo = make_repo(tmp_path, dict.fromkeys(names, "1\n"))
    for name in names:
        (repo / name).write_text("2\n")
    assert sorted(stat.path for stat in stats(repo)) == sorted(names)


def test_nothing_changed_is_no_file(tmp_path: Path) -> None:
    assert list(file_stats(b"")) == []
