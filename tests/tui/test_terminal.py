"""The dashboard on a real terminal: a pty, and what really reaches it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from pithy_local.models import Status, Stream, TaskError
from tests.tui.ptys import ALT_SCREEN, MAIN_SCREEN, PROGRAM, ROOT, Terminal, terminal
from tests.tui.seeding import Seed

REVERSED_ROW = re.compile(rb"\x1b\[(?:[0-9]+;)*7(?:;[0-9]+)*m[^\x1b]*First")


def test_the_first_frame_appears_and_q_gives_the_terminal_back(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()


CANARY = "sk-canary-5f2b7c1d9e8a4630"
HOSTILE = "[/foo]\x1b]52;c;aG9zdGlsZQ==\x07 \x1b[2J\x1b]0;owned\x07\x9b2J\u202eevil\u2066 [@click=app.quit]x[/] {0}"
NEVER = (b"\x1b]52", b"\x1b[2J", b"\x1b]0;", b"aG9zdGlsZQ", b"\xc2\x9b", "\u202e".encode(), "\u2066".encode())


def hostile(seed: Seed) -> None:
    """One task whose every text is the enemy's: title, repository, log, diff, file name, model's words, error."""
    lease = seed.running(HOSTILE.format("title"), repo="acme/" + HOSTILE.format("repo"))
    seed.log(lease, HOSTILE.format("log"), stream=Stream.ERR)
    seed.log(lease, "\x1b[31mcoloured\x1b[0m the end")
    lease.record_step(HOSTILE.format("step"))
    lease.settle(Status.CANCELLED)
    name = HOSTILE.format("name").replace("/", "").encode()
    patch = b"diff --git a/%b b/%b\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+%b\n" % (
        name,
        name,
        HOSTILE.format("diff").encode(),
    )
    error = TaskError(
        code="verify_failed", message=HOSTILE.format("message"), hint=HOSTILE.format("hint"),
        detail={HOSTILE.format("key"): HOSTILE.format("detail") + "\nmore"},
    )  # fmt: skip
    seed.settled(
        Status.NEEDS_REVIEW, HOSTILE.format("title"), error=error, diff=patch, question=HOSTILE.format("question")
    )


def test_no_escape_sequence_of_a_task_reaches_the_terminal(seed: Seed) -> None:
    hostile(seed)
    with terminal(seed) as screen:
        screen.until(b"review")
        screen.presses_until("2\t", b"unified")
        screen.presses_until("3", b"Attempt 1")
        screen.presses_until("4", b"pithy-local accept")
        screen.goes_back()
        screen.presses_until("j1", b"the end")
        screen.presses_until("x", b"nothing to cancel")
        screen.presses_until("3", b"preparing")
        for keys, seen in (("y", b"p  prompt"), ("D", b"deleted"), ("S", b"By repository"), ("?", b"States")):
            screen.presses_until(keys, seen)
            screen.goes_back()
        screen.presses_until("/", b"Filter")
        screen.goes_back()
        screen.presses_until("\x10", b"Search")
        screen.presses_until("title", b"Go to")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
        for never in NEVER:
            assert never not in screen.written


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order(seed: Seed, number: signal.Signals) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.process.send_signal(number)
        assert screen.ends() == 130
        assert screen.is_restored()


def test_a_closed_terminal_ends_it(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        os.close(screen.slave)
        os.close(screen.master)  # it is not its controlling terminal: the kernel sends no signal
        assert screen.process.wait(timeout=60) == 130


def test_a_crash_gives_the_terminal_back_stops_the_work_and_shows_nothing_secret(seed: Seed) -> None:
    with terminal(seed, "broken", {"OPENAI_API_KEY": CANARY}) as screen:
        assert screen.ends() == 1
        assert screen.is_restored()
        said = screen.written.rpartition(MAIN_SCREEN)[2]
        assert b"pithy-local: error: the dashboard has crashed: RuntimeError: a bug near ***" in said
        assert b"in check_home" in said
        assert b"hint: This is a bug in pithy-local" in said
        assert said.index(b"has crashed") < said.index(b"leaving 2 running attempts")
        assert (seed.app.home.root / "stopped").exists()
        for never in (CANARY.encode(), b"\x1b]52", b"textual run"):
            assert never not in screen.written


def test_a_stop_that_nobody_asked_for_changes_nothing(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        start = len(screen.written)
        screen.process.send_signal(signal.SIGSTOP)
        screen.process.send_signal(signal.SIGCONT)
        screen.until(ALT_SCREEN, start=start)
        screen.until(b"Fix the flaky", start=start)
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()


SHELL = 'exec bash --norc -i -c \'"$@"; echo IT STOPPED; fg; echo IT ENDED\' bash "$@"'
JOB_CONTROL = ("bash", "-c", f'exec <"$(tty)"; {SHELL}', "bash")
"""A shell whose own terminal this is, with the dashboard as a job."""


def test_ctrl_z_goes_to_the_shell_and_fg_comes_back(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed, through=JOB_CONTROL) as screen:
        screen.until(b"Fix the flaky")
        start = len(screen.written)
        screen.types("\x1a")
        screen.until(b"IT STOPPED", start=start)
        assert MAIN_SCREEN in screen.written[start:].partition(b"IT STOPPED")[0]
        start = len(screen.written)
        screen.until(b"Fix the flaky", start=start)
        screen.types("q")
        screen.until(b"IT ENDED")
        assert screen.is_restored()


def test_ctrl_z_without_a_shell_says_so(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("\x1a", b"No shell is there")
        screen.types("q")
        assert screen.ends() == 0


def test_what_is_pasted_is_text_whatever_is_in_it(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.types(b"\xff\xc3")  # no UTF-8: a terminal of another encoding
        screen.types("\x1b[200~text \x1bxy \x1bq\x1b[201~")  # on the table: no key of it acts
        screen.presses_until("n", b"What should change?")
        screen.types("acme/api\t")
        screen.types("\x1b[200~A \x1b[31mred\x1b[0m text\r\nand \x13 the rest\x1b[201~")
        screen.until(b"A red text")
        screen.until(b"the rest")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
    assert [task.status for task in seed.tasks.select()] == [Status.QUEUED]


def test_a_signal_stops_the_work_and_says_so_on_the_terminal_that_was_given_back(seed: Seed) -> None:
    with terminal(seed, "busy") as screen:
        screen.until(b"Type a task")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
        assert b"leaving 2 running attempts" in screen.written.rpartition(MAIN_SCREEN)[2]
        assert (seed.app.home.root / "stopped").read_text() == "leave"


def test_a_database_that_breaks_is_shown_and_the_dashboard_stays(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        seed.app.store.queue.write("DROP TABLE call")
        screen.until(b"no such table")
        screen.types("q")
        assert screen.ends() == 0


def test_no_colour_has_shades_of_grey_alone(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed, env={"NO_COLOR": "1"}) as screen:
        screen.until(b"Fix the flaky")
        screen.types("q")
        screen.ends()
        colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", screen.written)
        assert colours
        assert all(len({*colour}) == 1 for colour in colours)
        assert len({*colours}) > 3


def test_an_empty_no_color_is_none(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed, env={"NO_COLOR": ""}) as screen:
        screen.until(b"Fix the flaky")
        screen.types("q")
        assert screen.ends() == 0
        colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", screen.written)
        assert any(len({*colour}) > 1 for colour in colours)


def test_a_dumb_terminal_is_refused_in_words(seed: Seed) -> None:
    with terminal(seed, env={"TERM": "dumb"}) as screen:
        assert screen.ends() != 0
        assert b"cannot show the dashboard (TERM is dumb)" in screen.written
        assert ALT_SCREEN not in screen.written


STUCK = """
import time
from pithy_local.tui.leaving import leaving_signals

with leaving_signals(lambda: None, patience=0.2):
    print("waits for ever", flush=True)
    while True:
        time.sleep(60)
"""


def test_a_dashboard_that_answers_nothing_is_ended_all_the_same(seed: Seed) -> None:
    with Terminal([sys.executable, "-c", STUCK], seed.app.home.root, {}) as screen:
        screen.until(b"waits for ever")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
        assert b"it did not answer for 0.2 s" in screen.written
        assert screen.is_restored()


def test_without_any_colours_the_selected_row_is_reversed(seed: Seed) -> None:
    seed.queued("First")
    seed.queued("Second")
    with terminal(seed, env={"TERM": "vt100", "COLORTERM": ""}) as screen:
        screen.until(b"First")
        screen.types("j")
        deadline = time.monotonic() + 60
        while not REVERSED_ROW.search(screen.written):
            assert time.monotonic() < deadline, screen.written[-2000:]
            screen.reads()
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()


def test_without_a_terminal_it_says_so(seed: Seed) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seed.app.home.root), "watch"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode != 0
    assert "the dashboard needs a terminal" in done.stderr


def test_a_worker_starts_and_ends_with_the_dashboard(seed: Seed) -> None:
    with terminal(seed, "worker") as screen:
        screen.until(b"Type a task")
        processes = "SELECT kind FROM process"
        deadline = time.monotonic() + 60
        while not [row for row in seed.app.store.queue.rows(processes) if row["kind"] == "tui"]:
            assert time.monotonic() < deadline
            screen.reads()
        screen.types("q")
        assert screen.ends() == 0
        assert seed.app.store.queue.rows(processes) == []


def test_quitting_does_not_wait_for_the_doctor(seed: Seed) -> None:
    with terminal(seed, "slow doctor") as screen:
        screen.until(b"Looking at this machine")
        screen.types("q")
        assert screen.ends() == 0
