"""Counting what a diff changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pithy_local.git.diffstat import diff_stat
from pithy_local.git.mirror import Mirror
from pithy_local.git.policy import Stat
from pithy_local.git.remote import parse_repo
from tests.support import make_repo

DIFF = b"""diff --git a/a.txt b/a.txt
--- a/a.txt
+++ b/a.txt
@@ -1 +1,2 @@
-one
+two
+three
diff --git a/b.txt b/b.txt
new file mode 100644
--- /dev/null
+++ b/b.txt
@@ -0,0 +1 @@
+new
"""


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / "mirrors", parse_repo(str(make_repo(tmp_path / "repo", {"a.txt": "one\n"}))))


def test_files_and_lines_are_counted_without_applying(mirror: Mirror) -> None:
    assert diff_stat(mirror, DIFF) == Stat(files=2, added=3, removed=1)


@pytest.mark.parametrize("diff", [b"", b"no diff at all", DIFF[:60]])
def test_what_git_cannot_read_counts_nothing(mirror: Mirror, diff: bytes) -> None:
    assert diff_stat(mirror, diff) == Stat(files=0, added=0, removed=0)
