"""The invariants see what they are for: each is broken here by hand, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings
from tests.crash import invariants, work
from tests.crash.trial import Copies, Copy, Trial, made
from tests.support import git

WHOLE = [f"work 0123456789ab {n} 3" for n in (1, 2, 3)]


@pytest.fixture
def done(tmp_path: Path, sandbox_settings: SandboxSettings) -> Iterator[Trial]:
    """A trial with one completed task, in which nothing is broken."""
    with made(tmp_path, "local", sandbox_settings) as trial:
        trial.add(lines=3, seconds=0.1)
        trial.finish()
        assert (invariants.broken(trial), invariants.statuses(trial)) == ([], {"completed": 1})
        yield trial


def _change(trial: Trial, file: str, sql: str) -> None:
    with closing(sqlite3.connect(trial.world.home / file)) as db, db:
        db.execute(sql)


def test_whole_work_has_no_fault() -> None:
    assert work.executions(WHOLE) == {"0123456789ab": []}


@pytest.mark.parametrize("lines", [WHOLE[1:], [*WHOLE, WHOLE[2]], WHOLE[::-1]], ids=["lost", "twice", "out of order"])
def test_a_spoilt_log_is_seen(lines: list[str]) -> None:
    assert work.executions(lines)["0123456789ab"] != []


def test_everything_that_may_break_is_seen(done: Trial) -> None:
    """One trial for all: each of these leaves the others as they are."""
    (task,) = done.tasks
    (stored,) = [row["text"] for row in invariants.rows(
        done.world.home / "logs.db", "SELECT text FROM line WHERE text LIKE 'work % 2 3%'"
    )]  # fmt: skip
    _change(done, "logs.db", "DELETE FROM line WHERE text LIKE 'work % 2 3%'")
    _change(done, "logs.db", f"UPDATE line SET stream = 'out', text = '{WHOLE[0]}' WHERE seq = 1")
    (done.world.home / "tmp" / "bundle-left").mkdir()
    git("update-ref", f"refs/heads/pj/{task}", "main", cwd=done.world.bare)
    waiting = done.add(lines=1, seconds=0)
    done.tasks.append("0000000000")
    done.copies = _Made(task, stored)

    said = "\n".join(invariants.broken(done))

    for words in (
        "lost: ['0000000000']", "did its work 2 times", "lost [2]", "the log's numbers have gaps", "stdout: 1 lines",
        "left: ", "but branch and pull request show", f"{waiting}: still queued",
    ):  # fmt: skip
        assert words in said


class _Made(Copies):
    """The copy of one container that wrote one line."""

    def __init__(self, task: str, line: str) -> None:
        super().__init__()
        self._of["container"] = (task, 1, Copy(out=line.encode() + b"\n", err=b""))
