"""Time and memory stay bounded, however an answer or a file is made."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runner.errors import PatchRefused
from runner.patch import apply_answer
from tests.runner.patch.support import diff, tree

SECONDS = 9.0
"""For a loaded machine: on an idle one each takes a small part of a second."""

WIDE = " " * 400_000
HEAD = "--- a/same.txt\n+++ b/same.txt\n"
ANSWERS = {
    "huge": "x" * 50_000_000,
    "many lines": HEAD + "@@ -1 +1 @@\n" + "+y\n" * 300_000,
    "one large hunk": HEAD + "@@ ... @@\n" + " x\n" * 50_000 + "-z\n",
    "many hunks": HEAD + "@@ ... @@\n x\n-x\n+y\n x\n" * 1900,
    "many numbered hunks": HEAD + "".join(f"@@ -{n * 7 + 1},2 +{n * 7 + 1},2 @@\n x\n-x\n+x\n" for n in range(1900)),
    "gaps": HEAD + "@@ ... @@\n" + " x\n" * 200 + " a\n-b\n",
    "elisions": HEAD + "@@ ... @@\n" + " x\n x\n ...\n" * 20 + " a\n-b\n",
    "blank and prose in turn": HEAD + "@@ -1,2 +1,2 @@\n x\n" + "\nq\n" * 45_000 + "+x\n",
    "lists": HEAD + "@@ -1,2 +1,2 @@\n x\n" + "\n- Foo bar\n" * 45_000,
    "signatures": HEAD + "@@ -1,2 +1,2 @@\n x\n" + "-- \n" * 90_000,
    "fences": "```a\nx\n" * 45_000,
    "nested json": '{"a":' * 90_000 + '"\\n"' + "}" * 90_000,
    "dividers": "same.txt\n<<<<<<< SEARCH\n" + "x\n=======\n" * 2_000 + "y\n>>>>>>> REPLACE\n",
    "blank in an added line": HEAD + "@@ -1,3 +1,4 @@\n x\n+#" + WIDE + "y\n nothing like it\n-z\n",
    "blank in a name": "--- a/same.txt" + WIDE + "b\n+++ b/same.txt\n@@ -1 +1 @@\n-y\n+z\n",
    "blank in numbers": HEAD + "@@ -1" + WIDE + "q\n-y\n+z\n",
    "blank in a heading": HEAD + "@@ def f" + WIDE + "q\n-y\n+z\n",
    "blank after a fence": "```" + WIDE + "`\n",
    "blank in a file's line": "*** Begin Patch\n*** Update File: a" + WIDE + "b\n-y\n+z\n*** End Patch\n",
    "a name of slashes": HEAD.replace("b/same.txt", "/" * 400_000 + " b") + "@@ -1 +1 @@\n-y\n+z\n",
    "words before fences": ("#" * 280 + ".py!\n```\n") * 3_300,
    "fences in a diff": "```diff\n" + HEAD + "@@ -1,3 +1,3 @@\n" + "```\n+x\n" * 40_000,
    "repetitive block": "same.txt\n<<<<<<< SEARCH\n"
    + "p\nq\n" * 1_000
    + "=======\n"
    + "q\nr\np\n" * 660
    + ">>>>>>> REPLACE\n",
    "repetitive dividers": "same.txt\n<<<<<<< SEARCH\n" + "p\nq\n=======\n" * 3_000 + ">>>>>>> REPLACE\n",
    "repetitive whole file": "same.txt\n```\n" + "y\nx\n" * 45_000 + "```\n",
    "many headings": HEAD + "".join(f"@@ x\n x\n-q{n}\n+y\n" for n in range(1_900)),
    "missing": HEAD + "@@ ... @@\n x\n-nothing like it\n+y\n" * 500,
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("bounds"), {"same.txt": "x\n" * 60_000})


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_no_answer_takes_long(repo: Path, name: str) -> None:
    started = time.process_time()

    with pytest.raises(PatchRefused) as refused:
        apply_answer(repo, ANSWERS[name])

    assert time.process_time() - started < SECONDS
    assert len(refused.value.message) <= 6000


def test_many_files_that_end_alike_are_not_all_searched(tmp_path: Path) -> None:
    repo = tree(tmp_path, {f"p{number}/x.py": "a\n" * 20_000 for number in range(20)})
    answer = "".join(f"--- a/x.py\n+++ b/x.py{number}\n@@ ... @@\n a\n-a\n+b\n" for number in range(400))
    started = time.process_time()

    with pytest.raises(PatchRefused, match="missing_file"):
        apply_answer(repo, answer)

    assert time.process_time() - started < SECONDS


def test_a_file_too_large_to_read_is_refused(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"f.txt": "x\n" * 600_000})

    with pytest.raises(PatchRefused, match="too_large"):
        apply_answer(repo, diff("-x\n+y\n"))
