"""The benchmark of the queue: it runs, it leaves a file like the product's, and it sees what went wrong."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.queue.__main__ import main
from benchmarks.queue.contenders import Ours
from benchmarks.queue.cycles import Worked, judge
from pithy_local.models import Status


def test_two_processes_cycle_without_a_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--cycles", "60", "--processes", "2", "--finished", "100", "--claims", "5"]

    code = main([*sizes, "--contenders", "ours", "naive", "--folder", str(tmp_path)])

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    [ours] = [row for row in rows if row[:2] == ["ours", "2"]]
    assert ours[3:] == ["0", "0", "0"]
    assert [row[:2] for row in rows if row and row[1:2] == ["100"]] == [["ours", "100"], ["naive", "100"]]
    assert list(tmp_path.iterdir()) == []


def test_what_was_claimed_twice_or_never_is_seen() -> None:
    worked = [
        Worked(added=["a", "b"], claimed=["a", "c"], locked=1, started=1.0, ended=3.0),
        Worked(added=["c", "d", "e"], claimed=["a"], locked=2, started=2.0, ended=5.0),
    ]

    figures = judge(worked, ["d"], cycles=4)

    assert (figures.twice, figures.lost, figures.locked, figures.per_second) == (1, 2, 3, 2.0)
    assert not figures.sound
    assert judge([Worked(added=["a"], claimed=["a"], locked=0, started=0.0, ended=1.0)], [], 1).sound


def test_a_filled_file_keeps_the_rules_of_the_product(tmp_path: Path) -> None:
    with closing(Ours(tmp_path)) as ours:
        rules = ours.store.queue.rows("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
        ours.fill(50)
        ours.add("one")

        assert ours.tasks.counts() == {Status.FAILED: 50, Status.QUEUED: 1}
        assert len(ours.tasks.attempts("0000000050")) == 1
        assert ours.store.queue.rows("PRAGMA foreign_key_check") == []
        after = ours.store.queue.rows("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
        assert [tuple(row) for row in after] == [tuple(row) for row in rules]
