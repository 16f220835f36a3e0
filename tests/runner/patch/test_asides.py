"""What stands beside a change: words that name files, quotations, files that the answer forgot to put into its diff."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from runner.errors import PatchRefused
from tests.runner.patch.support import applied, diff, reasons, refused, tree

APP = "import os\n\n\ndef run():\n    return 1\n"
FILES = {"src/app.py": APP, "src/other.py": "import os\nx = 2\n", "README.md": "# Title\n"}
CHANGE = "```diff\n" + diff("-    return 1\n+    return 2\n", path="src/app.py") + "```\n"
INNER = diff("-# Title\n+# Other\n", path="README.md")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return tree(tmp_path, FILES)


def block(path: str, text: str, label: str = "python") -> str:
    """A path on a line of its own, and a fenced block."""
    return f"{path}\n```{label}\n{text}```\n"


def test_a_new_file_beside_a_diff_is_made(repo: Path) -> None:
    applied(repo, f"{CHANGE}\nAnd a test:\n\n" + block("tests/test_app.py", "assert True\n"))

    assert (repo / "tests/test_app.py").read_text() == "assert True\n"
    assert "return 2" in (repo / "src/app.py").read_text()


@pytest.mark.parametrize(
    "quotation",
    [
        block("src/app.py", "def run():\n    return 1\n"),
        block("src/app.py", APP.replace("return 1", "return 2")),
        block("src/app.py", "import os\n# ...\ndef run():\n"),
        block("src/other.py", "x = 2\n"),
        "Use it so:\n```python\nrun()\n```\n",
    ],
    ids=["before", "after", "with an elision", "another file", "an example"],
)
def test_a_quotation_beside_a_diff_changes_nothing(repo: Path, quotation: str) -> None:
    report = applied(repo, f"{quotation}\n{CHANGE}")

    assert report.paths == ("src/app.py",)


@pytest.mark.parametrize(
    ("aside", "reason"),
    [
        (block("src/other.py", "import os\nx = 3\n"), "malformed"),
        (block("setup.py", "setup()\n"), "malformed"),
        (block("../setup.py", "setup()\n"), "unsafe_path"),
    ],
)
def test_a_change_that_was_left_out_of_the_diff_is_not_dropped(repo: Path, aside: str, reason: str) -> None:
    assert reasons(refused(repo, f"{CHANGE}\n{aside}")) == [reason]


def test_code_without_a_path_before_a_whole_file_is_not_dropped(repo: Path) -> None:
    answer = "```python\ndef new():\n    pass\n```\n\n" + block("tests/test_app.py", "assert True\n")

    assert reasons(refused(repo, answer)) == ["malformed"]


def test_hunks_without_a_header_are_of_the_file_that_the_words_name(repo: Path) -> None:
    answer = f"{CHANGE}\nAnd the import in `src/other.py` goes too:\n\n```diff\n@@ -1 +0,0 @@\n-import os\n```\n"

    applied(repo, answer)

    assert (repo / "src/other.py").read_text() == "x = 2\n"
    assert (repo / "src/app.py").read_text().startswith("import os")


def test_hunks_without_a_header_after_two_names_are_of_none(repo: Path) -> None:
    answer = f"{CHANGE}\nLike src/app.py, src/other.py:\n\n```diff\n@@ -1 +0,0 @@\n-import os\n```\n"

    assert reasons(refused(repo, answer)) == ["malformed"]


@pytest.mark.parametrize(
    "answer",
    [
        block("docs/patch.md", INNER, label=""),
        block("fixes/title.patch", INNER, label="diff"),
    ],
)
def test_a_file_that_shows_a_diff_is_not_that_diff(repo: Path, answer: str) -> None:
    assert reasons(refused(repo, answer)) == ["ambiguous_path"]


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"path": "docs/x.md", "content": f"Example:\n```diff\n{INNER}```\n"}),
        f"{CHANGE}The fixture looks like this:\n```json\n{json.dumps({'patch': INNER})}\n```\n",
        block("tests/fixture.json", json.dumps({"patch": INNER}) + "\n", label="json"),
    ],
    ids=["a file's content", "an example", "a whole file"],
)
def test_a_diff_in_json_that_is_content_is_not_applied(repo: Path, answer: str) -> None:
    with suppress(PatchRefused):
        applied(repo, answer)

    assert (repo / "README.md").read_text() == "# Title\n"


def test_a_products_name_is_no_path(repo: Path) -> None:
    answer = block("src/new.js", "let a = 1\n", "js") + "\n### Node.js\n```js\nrequire('./new')\n```\n"

    assert reasons(refused(repo, answer)) == ["malformed"]
    assert not (repo / "Node.js").exists()


def test_a_markdown_file_keeps_its_own_fences(repo: Path) -> None:
    text = "# Title\n\nRun:\n```bash\nmake\n```\nThen:\n~~~\nrest\n~~~\n"

    applied(repo, block("README.md", text, "markdown"))

    assert (repo / "README.md").read_text() == text


def test_a_markdown_file_whose_end_is_not_certain_is_refused(repo: Path) -> None:
    text = "# Title\n\nFiles:\n```\nsrc/new.py\n```\nrest\n"

    assert reasons(refused(repo, block("README.md", text, "markdown"))) == ["malformed"]


def test_markdown_files_in_a_row_are_several(repo: Path) -> None:
    applied(repo, "\n".join(block(f"docs/{name}.md", f"# {name}\n", label="") for name in "ab"))

    assert [(repo / f"docs/{name}.md").read_text() for name in "ab"] == ["# a\n", "# b\n"]
