"""`logs`: all of it, a part of it, as it grows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pithy_local.models import Status
from tests.cli.support import Cli
from tests.cli.test_view import HOSTILE, ISO

LINES = [f"line {number}" for number in range(1, 2501)]


def test_the_whole_log_is_printed_over_many_pages(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES)
    assert cli("logs", task.id).out.splitlines() == LINES


def test_the_last_lines(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES)
    assert cli("logs", task.id, "--lines", "2").out.splitlines() == LINES[-2:]


def test_the_lines_after_a_sequence_number(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES)
    assert cli("logs", task.id, "--since", "2498").out.splitlines() == LINES[2498:]


def test_an_attempt_that_there_is_none_of_is_bad_input(cli: Cli, tmp_path: Path) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES[:3])
    kept = tmp_path / "log.txt"
    kept.write_text("kept")
    assert cli("logs", task.id, "--attempt", "1").out.splitlines() == LINES[:3]
    for args in (("logs", "-o", str(kept)), ("logs", "-f"), ("diff",)):
        done = cli(*args, task.id, "--attempt", "9")
        assert (done.code, done.out) == (2, "")
        assert done.error_lines == [
            f"pithy-local: error: task {task.id} has no attempt 9", "hint: There was one attempt: 1."
        ]  # fmt: skip
    assert kept.read_text() == "kept"


def test_json_lines_have_no_gap(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES)
    found = [json.loads(line) for line in cli("logs", task.id, "--json").out.splitlines()]
    assert [line["seq"] for line in found] == list(range(1, 2501))
    assert found[0].keys() == {"seq", "attempt", "at", "stream", "text"}


def test_timestamps_are_iso_in_a_pipe(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=["hello"])
    assert re.fullmatch(rf"{ISO}\thello\n", cli("logs", task.id, "--timestamps").out)


def test_timestamps_are_local_time_on_a_terminal(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=["hello"])
    assert re.fullmatch(r"\d\d:\d\d:\d\d  hello\n", cli.on_terminal("logs", task.id, "--timestamps").out)


def test_following_a_settled_task_prints_it_and_ends(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED, log=LINES[:3])
    done = cli("logs", "-f", task.id)
    assert (done.code, done.out.splitlines()) == (0, LINES[:3])


def test_following_from_the_last_lines_repeats_none(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED, log=LINES)
    assert cli("logs", "-f", "--lines", "2", task.id).out.splitlines() == LINES[-2:]


def test_following_from_no_lines_prints_none_of_the_old_ones(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED, log=LINES[:3])
    assert cli("logs", "-f", "--lines", "0", task.id).out == ""


def test_the_log_goes_to_a_file(cli: Cli, tmp_path: Path) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES[:3])
    done = cli("logs", task.id, "-o", str(tmp_path / "log.txt"))
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "log.txt").read_text().splitlines() == LINES[:3]


def test_a_file_that_cannot_be_written_is_exit_2(cli: Cli, tmp_path: Path) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES[:3])
    done = cli("logs", task.id, "-o", str(tmp_path / "none" / "log.txt"))
    assert done.code == 2
    assert "cannot write" in done.error_lines[0]


def test_hostile_lines_are_safe_on_a_terminal_and_keep_their_colours(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=[HOSTILE, "\x1b[32mgreen", "10%\r50%\r100%"])
    shown = cli.on_terminal("logs", task.id).out
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
    assert shown.splitlines()[1:] == ["\x1b[32mgreen\x1b[0m", "100%"]


def test_hostile_lines_are_safe_in_a_pipe(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=[HOSTILE, "\x1b[32mgreen"])
    shown = cli("logs", task.id).out
    assert "\x1b" not in shown
    assert shown.splitlines()[1] == "green"


def test_lines_and_since_exclude_each_other(cli: Cli) -> None:
    task = cli.seed()
    assert cli("logs", task.id, "--lines", "1", "--since", "1").code == 2


def test_the_log_of_a_queued_task_is_empty(cli: Cli) -> None:
    task = cli.seed()
    done = cli("logs", task.id)
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_file_is_replaced_with_its_mode_and_a_link_stays_one(cli: Cli, tmp_path: Path) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES[:3])
    kept, link = tmp_path / "log.txt", tmp_path / "link"
    kept.write_text("old")
    kept.chmod(0o640)
    link.symlink_to(kept)
    assert cli("logs", task.id, "-o", str(link)).code == 0
    assert kept.read_text().splitlines() == LINES[:3]
    assert (link.is_symlink(), kept.stat().st_mode & 0o777) == (True, 0o640)
    assert sorted(path.name for path in tmp_path.iterdir() if "log" in path.name) == ["log.txt"]


def test_what_is_no_regular_file_is_written_as_it_is(cli: Cli) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES[:3])
    assert cli("logs", task.id, "-o", "/dev/stdout").out.splitlines() == LINES[:3]


def test_a_followed_log_goes_to_a_file_as_it_comes(cli: Cli, tmp_path: Path) -> None:
    task = cli.seed_settled(Status.CANCELLED, log=LINES[:3])
    assert cli("logs", "-f", task.id, "-o", str(tmp_path / "log.txt")).code == 0
    assert (tmp_path / "log.txt").read_text().splitlines() == LINES[:3]
