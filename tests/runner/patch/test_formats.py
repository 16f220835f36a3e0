"""Changes in other tools' formats: `*** Begin Patch`, SEARCH/REPLACE blocks, whole files."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.patch import Refused, apply_answer
from tests.runner.patch.support import applied, diff, reasons, refused, tree

CODE = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 1\n"
BARE = "<<<<<<< SEARCH\ndef two():\n    return 1\n=======\ndef two():\n    return 2\n>>>>>>> REPLACE\n"
FILES = {"src/app.py": CODE, "old.txt": "old\n", "notes.md": "# Notes\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return tree(tmp_path, FILES)


def patch(*lines: str) -> str:
    """A patch of the `***` format."""
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch", ""])


def block(old: str, new: str, path: str = "src/app.py") -> str:
    """A SEARCH/REPLACE block with its path."""
    return f"{path}\n```python\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```\n"


def test_a_patch_updates_adds_moves_and_deletes(repo: Path) -> None:
    applied(
        repo,
        patch(
            "*** Update File: src/app.py", "@@ def two():", "-    return 1", "+    return 2",
            "*** Add File: new/x.py", "+x = 1", "+",
            "*** Update File: notes.md", "*** Move to: docs/notes.md", "@@", "-# Notes", "+# More",
            "*** Delete File: old.txt",
        ),
    )  # fmt: skip

    assert (repo / "src/app.py").read_text() == CODE.removesuffix("1\n") + "2\n"
    assert (repo / "new/x.py").read_text() == "x = 1\n\n"
    assert (repo / "docs/notes.md").read_text() == "# More\n"
    assert not (repo / "old.txt").exists()
    assert not (repo / "notes.md").exists()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (patch("*** Update File: src/app.py", "@@", "-    return 1", "+    return 2"), "ambiguous"),
        (patch("*** Update File: src/gone.py", "@@", "-    return 1", "+    return 2"), "missing_file"),
        (patch("*** Add File: src/app.py", "+x"), "exists"),
        (patch("*** Delete File: ../out"), "unsafe_path"),
        (patch("*** Add File: .git/hooks/x", "+x"), "unsafe_path"),
        (patch("*** Update File: src/app.py"), "malformed"),
        (patch("*** Update File: src/app.py", "@@ def two():", "-import os", "+import re"), "ambiguous"),
        ("*** Begin Patch\n*** Add File: x\n+half", "truncated"),
    ],
)
def test_a_patch_that_is_not_certain_is_refused(repo: Path, answer: str, reason: str) -> None:
    assert reasons(refused(repo, answer)) == [reason]


def test_lines_of_another_class_than_the_heading_names_are_refused(tmp_path: Path) -> None:
    code = "class A:\n    def run(self):\n        return 3\n\n\nclass B:\n    def run(self):\n        return 1\n"
    repo = tree(tmp_path, {"a.py": code})
    hunk = ("     def run(self):", "-        return 1", "+        return 2")

    refusal = refused(repo, patch("*** Update File: a.py", "@@ class A:", *hunk))
    applied(repo, patch("*** Update File: a.py", "@@ class B:", *hunk))

    assert reasons(refusal) == ["ambiguous"]
    assert "its lines are not below 'class A:', line 1" in refusal.message


@pytest.mark.parametrize("begin", ["*** Begin Patch\n", ""])
def test_a_path_may_be_dressed_and_the_first_line_left_out(repo: Path, begin: str) -> None:
    applied(repo, f"{begin}*** Update File: ./notes.md \n@@\n-# Notes\n+# More\n*** End Patch\n")

    assert (repo / "notes.md").read_text() == "# More\n"


def test_a_file_deleted_and_added_is_replaced(repo: Path) -> None:
    applied(repo, patch("*** Delete File: src/app.py", "*** Add File: src/app.py", "+x = 1"))

    assert (repo / "src/app.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    "answer",
    [
        block("def two():\n    return 1\n", "def two():\n    return 2\n"),
        block("def two():\n\treturn 1\n", "def two():\n\treturn 2\n"),
        f"```\nsrc/app.py\n{BARE}```\n",
        f"### `src/app.py`\n\n{BARE}",
    ],
)
def test_a_block_replaces_its_one_place(repo: Path, answer: str) -> None:
    applied(repo, answer)

    assert (repo / "src/app.py").read_text() == CODE.removesuffix("1\n") + "2\n"


def test_later_blocks_may_build_on_earlier_ones(repo: Path) -> None:
    first = block("import os\n", "import os\nimport sys\n")

    applied(repo, first + block("import sys\n", "import sys\nimport re\n"))

    assert (repo / "src/app.py").read_text().startswith("import os\nimport sys\nimport re\n\n")


def test_a_block_without_old_lines_makes_a_file(repo: Path) -> None:
    applied(repo, block("", "x = 1\n", "src/new.py"))

    assert (repo / "src/new.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (block("    return 1\n", "    return 2\n"), "ambiguous"),
        (block("    return 3\n", "    return 2\n"), "deleted_not_found"),
        (block("", "x\n"), "no_location"),
        ("<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n", "malformed"),
        ("src/app.py\n<<<<<<< SEARCH\nimport os\n=======\nimport", "truncated"),
        ("src/app.py\n<<<<<<< SEARCH\nimport os\n>>>>>>> REPLACE\n", "malformed"),
    ],
)
def test_a_block_that_is_not_certain_is_refused(repo: Path, answer: str, reason: str) -> None:
    assert reasons(refused(repo, answer)) == [reason]


def test_a_file_may_be_sent_whole(repo: Path) -> None:
    new = CODE.replace("return 1", "return 2")

    applied(repo, f"The file:\n\n**src/app.py**\n```python\n{new}```\n\nRun it:\n```bash\npython src/app.py\n```\n")

    assert (repo / "src/app.py").read_text() == new


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("src/app.py\n```python\ndef two():\n    return 2\n```\n", "not_whole"),
        (f"src/app.py\n```python\n{CODE}", "truncated"),
        (f"src/app.py\n```python\n{CODE}# ... rest of the file ...\n```\n", "placeholder"),
        (f"src/app.py\n```python\n{CODE}```\n", "no_change"),
        (f"src/app.py\n```python\n{CODE}# end\n```\nand\n```python\nx = 1\n```\n", "malformed"),
        ("../x.py\n```python\nx = 1\n```\n", "unsafe_path"),
    ],
)
def test_an_excerpt_is_no_whole_file(repo: Path, answer: str, reason: str) -> None:
    assert reasons(refused(repo, answer)) == [reason]


@pytest.mark.parametrize(
    "line",
    [
        "# (rest of file unchanged)", "# unchanged", "# no changes below", "// Other methods remain the same",
        "# same as before", "[unchanged]", "<rest of the file>", "/* unchanged */", "# --- snip ---",
        "# remaining methods stay as they are", "<!-- existing content -->", "{/* existing */}", "# [existing code]",
        "# code above unchanged", "# The rest of the code remains the same", "# Rest of the class",
        "# Keep everything else the same", "[… lines 3-9 are not shown …]",
    ],
)  # fmt: skip
def test_a_line_that_stands_for_others_is_no_content(repo: Path, line: str) -> None:
    assert reasons(refused(repo, f"src/app.py\n```python\n{CODE}{line}\n```\n")) == ["placeholder"]


@pytest.mark.parametrize("line", ["# the rest is read later", "# existing users keep theirs", "x = 1  # unchanged"])
def test_a_comment_is_content(repo: Path, line: str) -> None:
    applied(repo, f"src/app.py\n```python\n{CODE}{line}\n```\n")

    assert (repo / "src/app.py").read_text() == f"{CODE}{line}\n"


def test_a_heading_in_a_text_is_content(repo: Path) -> None:
    applied(repo, "notes.md\n```markdown\n# Notes\n\n## Existing code\n```\n")

    assert "## Existing code" in (repo / "notes.md").read_text()


def test_a_file_that_was_not_shown_whole_is_not_sent_whole(repo: Path) -> None:
    answer = f"src/app.py\n```python\n{CODE.replace('1', '2')}```\n"

    with pytest.raises(Refused, match="you were not shown all of it") as refusal:
        apply_answer(repo, answer, not_seen={"src/app.py"})

    assert (reasons(refusal.value), refusal.value.paths) == (["not_whole"], ("src/app.py",))
    assert (repo / "src/app.py").read_text() == CODE


def test_context_that_the_prompt_left_out_is_skipped(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(40)]
    repo = tree(tmp_path, {"f.txt": "\n".join(lines) + "\n"})
    shown = " line 0\n line 1\n [… lines 3-30 are not shown …]\n line 30\n line 31\n+new\n"

    report = applied(repo, diff(shown))

    assert report.mended == 1
    assert "line 31\nnew\nline 32\n" in (repo / "f.txt").read_text()


def test_a_name_that_begins_with_an_underscore_is_kept(tmp_path: Path) -> None:
    repo = tree(tmp_path, {"_app/x.py": "a = 1\nb = 2\n"})

    applied(repo, "_app/x.py\n```python\na = 1\nb = 3\n```\n")

    assert (repo / "_app/x.py").read_text() == "a = 1\nb = 3\n"


def test_a_whole_file_may_show_a_diff(tmp_path: Path) -> None:
    text = "# Guide\n\n```diff\n--- a/notes.md\n+++ b/notes.md\n@@ -1 +1 @@\n-# Notes\n+# More\n```\n"
    repo = tree(tmp_path, {"docs/guide.md": text, "notes.md": "# Notes\n"})

    applied(repo, f"docs/guide.md\n````\n{text}\nEnd.\n````\n")

    assert (repo / "docs/guide.md").read_text() == f"{text}\nEnd.\n"
    assert (repo / "notes.md").read_text() == "# Notes\n"
