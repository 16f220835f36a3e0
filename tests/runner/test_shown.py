"""What a model gets that asks for files: their contents, or where to look instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import shown, survey
from runner.survey import Survey
from tests.support import make_repo

FILES = {
    "README.md": "# App\n", "src/app/io.py": "io\n", "src/app/net.py": "net\n", "lib/io.py": "other\n",
    "docs/guide.md": "g" * 3_000 + "\n",
}  # fmt: skip


@pytest.fixture
def view(tmp_path: Path) -> Survey:
    """A survey that shows the README alone."""
    taken = survey.take(make_repo(tmp_path / "repo", FILES), "README.md", 60)
    assert [file.path for file in taken.files] == ["README.md"]
    return taken


def test_files_are_shown_whole(view: Survey) -> None:
    found = shown.answer(view, ("src/app/io.py", "lib/io.py"), 1_000)

    assert [(file.path, file.text) for file in found.files] == [("src/app/io.py", "io\n"), ("lib/io.py", "other\n")]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("path", "note"),
    [
        ("README.md", "README.md was shown to you before."),
        ("docs/guide.md", "docs/guide.md is too large to be shown: do not change it."),
        ("io.py", "io.py is not in the repository, or is no text. There is lib/io.py, src/app/io.py."),
        ("src/app", "src/app is not in the repository, or is no text. There is src/app/io.py, src/app/net.py."),
        ("src/app/nett.py", "src/app/nett.py is not in the repository, or is no text. There is src/app/net.py"),
        ("../../etc/passwd", "../../etc/passwd is not in the repository, or is no text."),
    ],
)
def test_what_cannot_be_shown_is_explained(view: Survey, path: str, note: str) -> None:
    found = shown.answer(view, (path,), 500)

    assert found.files == ()
    assert found.notes[0].startswith(note)
