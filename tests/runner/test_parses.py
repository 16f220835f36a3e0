"""Which files of a change are parsed, and what is said of those that broke."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from runner import parses, snapshot, workspace
from runner.errors import SyntaxBroken
from tests.runner.support import make_job

BROKEN = "def f(:\n"
FILES = {"a.py": "x = 1\n", "b.py": BROKEN, "c.txt": "x\n", "big.py": "x = 1\n" * 200_000, "data.json": "{}\n"}


def checked(tmp_path: Path, changes: Mapping[str, str | None]) -> SyntaxBroken | None:
    """What is found after files were written, or deleted (None)."""
    job = make_job(tmp_path, FILES)
    workspace.unpack(job)
    for path, text in changes.items():
        if text is None:
            (job.repo / path).unlink()
        else:
            (job.repo / path).parent.mkdir(exist_ok=True)
            (job.repo / path).write_text(text)
    return parses.check(job, snapshot.write(job))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"a.py": "x = 2\n"},
        {"a.py": None},
        {"b.py": BROKEN * 2},
        {"c.txt": BROKEN},
        {"big.py": BROKEN},
        {"a.py": "x = 1\n" * 200_000 + BROKEN},
        {"new.txt": BROKEN, "sub/new.py": "y = 'ä'\n"},
    ],
    ids=["nothing", "good", "deleted", "broken before", "no code", "was large", "is large", "new"],
)
def test_nothing_is_said_of_what_is_no_new_error(tmp_path: Path, changes: Mapping[str, str | None]) -> None:
    assert checked(tmp_path, changes) is None


def test_every_file_that_broke_is_named_with_its_place(tmp_path: Path) -> None:
    found = checked(tmp_path, {"a.py": "x = 1\ny = (\n", "sub/ä ö.py": BROKEN, "data.json": "{,}\n", "c.txt": "y\n"})

    assert found is not None
    assert found.paths == ("a.py", "data.json", "sub/ä ö.py")
    for place in ("a.py:2:5: ", "data.json:1:2: ", "sub/ä ö.py:1:7: "):
        assert place in found.message


def test_a_link_is_no_code(tmp_path: Path) -> None:
    job = make_job(tmp_path, FILES)
    workspace.unpack(job)
    (job.repo / "a.py").unlink()
    (job.repo / "a.py").symlink_to("def f(:")

    assert parses.check(job, snapshot.write(job)) is None


def test_what_is_told_is_bounded(tmp_path: Path) -> None:
    found = checked(tmp_path, {f"new{number:02}.py": BROKEN for number in range(30)})

    assert found is not None
    assert found.message.endswith("\n… and 20 more files")
    assert len(found.paths) == 30
