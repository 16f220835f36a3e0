"""A verify command's process: its output passed on, its end kept, nothing left of it."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runner import shell
from tests.executors.stand_ins import wait_until_gone
from tests.support import wait_until


def run(command: str, cwd: Path, *, seconds: float = 100.0) -> tuple[shell.Ran, list[bytes]]:
    written: list[bytes] = []
    return shell.run(command, cwd, seconds, written.append), written


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 0", 0), ("exit 7", 7), ("no-such-command-here", 127), ("kill -9 $$", 137), ("kill -TERM $$", 143)],
)
def test_the_exit_code_is_the_shells(tmp_path: Path, command: str, code: int) -> None:
    assert run(command, tmp_path)[0].exit_code == code


def test_both_streams_are_passed_on_in_whole_lines(tmp_path: Path) -> None:
    ran, written = run("echo one; echo two >&2; printf thr; sleep 0.2; printf 'ee\\nfour'", tmp_path)

    assert b"".join(written) == b"one\ntwo\nthree\nfour\n"
    assert all(piece.endswith(b"\n") for piece in written)
    assert ran.output == "one\ntwo\nthree\nfour"


def test_it_runs_in_the_folder_without_input(tmp_path: Path) -> None:
    ran, _ = run("pwd; cat", tmp_path)

    assert (ran.exit_code, ran.output) == (0, f"{tmp_path}\n")


def test_a_folder_that_is_gone_is_an_exit_code_too(tmp_path: Path) -> None:
    ran, _ = run("true", tmp_path / "gone")

    assert ran.exit_code == shell.NOT_STARTED
    assert "gone" in ran.output


def test_keys_and_addresses_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PITHY_HOST_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("PROJECT_SETTING", "kept")

    ran, _ = run("env", tmp_path)

    assert "canary" not in ran.output
    assert "PROJECT_SETTING=kept" in ran.output


@pytest.mark.skipif(sys.platform != "linux", reason="oom_score_adj is Linux's")
def test_it_is_the_first_to_go_when_memory_runs_out(tmp_path: Path) -> None:
    assert run("cat /proc/self/oom_score_adj", tmp_path)[0].output == "1000\n"


def pid_from(file: Path) -> int:
    return int(wait_until(lambda: file.exists() and file.read_text().strip(), what="the process's id"))


def test_the_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    command = "trap '' TERM; echo begun; sh -c 'echo $$ > pid; sleep 600' & wait"

    ran, written = run(command, tmp_path, seconds=1.0)

    assert (ran.exit_code, ran.output) == (shell.TIMED_OUT, "begun\n")
    assert written == [b"begun\n"]
    assert ran.seconds < 30
    wait_until_gone(pid_from(tmp_path / "pid"))


def test_a_closed_output_does_not_outwit_the_time_limit(tmp_path: Path) -> None:
    assert run("exec >&- 2>&-; sleep 600", tmp_path, seconds=1.0)[0].exit_code == shell.TIMED_OUT


def test_what_it_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    started = time.monotonic()

    ran, _ = run("sh -c 'echo $$ > pid; exec sleep 600' & while [ ! -s pid ]; do sleep 0.01; done; echo done", tmp_path)

    assert (ran.exit_code, ran.output) == (0, "done\n")
    assert time.monotonic() - started < 60  # the background process holds the pipe open, and nobody waits for it
    wait_until_gone(pid_from(tmp_path / "pid"))


def test_leaving_early_ends_it(tmp_path: Path) -> None:
    def interrupt(lines: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shell.run("echo $$ > pid; echo begun; exec sleep 600", tmp_path, 60.0, interrupt)

    wait_until_gone(pid_from(tmp_path / "pid"))


def test_a_signal_while_it_starts_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = subprocess.Popen

    def start_and_be_told_to_end(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = start(*args, **options)
        started.append(process.pid)
        signal.raise_signal(signal.SIGTERM)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_be_told_to_end)
    before = signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        with pytest.raises(SystemExit, match="143"):
            shell.run("sleep 600", tmp_path, 60, lambda data: None)
    finally:
        signal.signal(signal.SIGTERM, before)

    wait_until_gone(*started)


def test_a_gigabyte_of_output_passes_in_bounded_memory(tmp_path: Path) -> None:
    amount = 0

    def count(lines: bytes) -> None:
        nonlocal amount
        amount += len(lines)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ran = shell.run("yes 0123456789abcde | head -c 1073741824; echo end", tmp_path, 50.0, count)

    assert (ran.exit_code, amount) == (0, 1073741824 + 4)
    assert ran.output.endswith("0123456789abcde\nend\n")
    assert len(ran.output) == shell.KEPT_BYTES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes on Linux


def test_a_line_without_an_end_is_passed_on_in_pieces(tmp_path: Path) -> None:
    ran, written = run("head -c 1000000 /dev/zero", tmp_path)

    assert sum(map(len, written)) in (1_000_000, 1_000_001)
    assert max(map(len, written)) <= 200_000
    assert ran.exit_code == 0
